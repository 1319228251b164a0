package testserver

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// encryptLog makes the keys of an encrypted binary log, below Dir, and has the server find them.
func (m *MySQL) encryptLog() error {
	dir := filepath.Join(m.options.Dir, "encryption")
	if err := makeDir(dir, m.owner); err != nil {
		return err
	}
	encrypt := m.mysqlKeyring
	if m.flavor == FlavorMariaDB {
		encrypt = m.mariadbKeys
	}
	settings, err := encrypt(dir)
	if err != nil {
		return fmt.Errorf("keys of the encrypted log of %s: %w", m.flavor, err)
	}
	all := maps.Clone(m.programs.settings) // other servers have the same programs
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, settings)
	m.programs.settings = all
	return nil
}

// mariadbKeys uses the plugin that reads keys from a file.
func (m *MySQL) mariadbKeys(dir string) (map[string]string, error) {
	const plugin = "file_key_management"
	library, err := inCaches(filepath.Join(m.programs.plugins, plugin+".so"), "MariaDB's plugin "+plugin, "mariadb")
	if err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "keys")
	return map[string]string{
		"plugin_dir":         filepath.Dir(library),
		"plugin_load_add":    plugin,
		plugin + "_filename": keys,
		"encrypt_binlog":     "ON",
	}, m.keep(keys, "1;770A8A65DA156D24EE2A093277530142\n")
}

// mysqlKeyring uses the component that keeps keys in a file. The server looks for its manifest beside its own program, and the
// component for its settings beside itself, so both get places of their own.
func (m *MySQL) mysqlKeyring(dir string) (map[string]string, error) {
	const component = "component_keyring_file"
	shared := m.programs.settings["plugin_dir"]
	program := filepath.Join(dir, "mysqld")
	err := errors.Join(
		link(m.programs.server, program),
		m.keep(program+".my", `{"components": "file://`+component+`"}`),
		link(filepath.Join(shared, component+".so"), filepath.Join(dir, component+".so")),
		m.keep(filepath.Join(dir, component+".cnf"), fmt.Sprintf(`{"path": %q, "read_only": false}`, filepath.Join(dir, "keyring"))),
	)
	m.programs.server = program
	return map[string]string{"plugin_dir": dir, "binlog_encryption": "ON"}, err
}

// keep writes a file that only the server's user reads.
func (m *MySQL) keep(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return m.owner.own(path)
}

// link makes a symbolic link, which may be there from an earlier run.
func link(to, path string) error {
	if err := os.Symlink(to, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
