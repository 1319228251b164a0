package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"bridge/cmd/bridge/internal/shell"
	"bridge/internal/database"
)

// version is set by the linker for a release: -X main.version=1.2.3.
var version = "dev"

// versionCommand is "bridge version".
type versionCommand struct{}

// versionResult is what --json shows.
type versionResult struct {
	Version     string `json:"version"`
	Revision    string `json:"revision"` // of the source; ends in "+changes" when it was edited
	Go          string `json:"go"`
	TableFormat int    `json:"table_format"` // of bridge's own tables
}

func buildVersion() versionResult {
	v := versionResult{Version: version, Go: runtime.Version(), TableFormat: database.Format}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Revision = s.Value + v.Revision
		case s.Key == "vcs.modified" && s.Value == "true":
			v.Revision += "+changes"
		}
	}
	return v
}

// Run is called by kong.
func (*versionCommand) Run(s *shell.Session) error {
	v := buildVersion()
	s.Outcome.Result = v
	s.Outcome.Summary = fmt.Sprintf("bridge %s %s (%s)", v.Version, v.Revision, v.Go)
	return nil
}
