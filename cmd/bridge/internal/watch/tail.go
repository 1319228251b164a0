package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/topics"
	"bridge/config"
	"bridge/stream"
	"bridge/wire"
)

// Tail is "bridge tail". It prints one JSON object per line, whether or not --json is given.
type Tail struct {
	Region     string `arg:"" optional:"" help:"The region whose stream to print (default: the configuration's)."`
	From       string `placeholder:"oldest|latest|OFFSET" help:"Where to begin (default: oldest; with --follow latest)."`
	Follow     bool   `short:"f" help:"Wait for more at the end of the stream."`
	Limit      int    `short:"n" help:"End after so many lines (0: no limit)."`
	Heartbeats bool   `help:"Print heartbeats, too."`

	Timeout time.Duration `default:"30s" help:"Give up when no broker answers (${default})."`
}

// Run is called by kong.
func (cmd *Tail) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	region := cmd.Region
	if region == "" {
		region = c.Region
	}
	if names := settings.Regions(c); !slices.Contains(names, region) {
		return shell.Usage(fmt.Errorf("region %s isn't one of the configuration's: %v", region, names))
	}
	log, err := topics.Open(c, region)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // it was only read from
	s.Outcome.Streamed = true
	err = cmd.print(ctx, s, c, log)
	if err == nil || cmd.Follow && ctx.Err() != nil {
		return nil
	}
	if _, told := shell.ExitCode(err); told {
		return err
	}
	return shell.Environment(err)
}

// errEnough ends the printing.
var errEnough = errors.New("as many lines as were asked for")

func (cmd *Tail) print(ctx context.Context, s *shell.Session, c *config.Config, log stream.Log) error {
	at, end, err := cmd.bounds(ctx, log)
	if err != nil {
		return err
	}
	p := &tailPrinter{cmd: cmd, decoder: wire.NewDecoder(c.Cluster), out: bufio.NewWriter(s.Stdout)}
	for cmd.Follow || at < end {
		records, err := log.Read(ctx, at)
		if err != nil {
			return err
		}
		for i := range records {
			if !cmd.Follow && records[i].Offset >= end {
				return p.out.Flush()
			}
			if err := p.record(&records[i]); errors.Is(err, errEnough) {
				return p.out.Flush()
			} else if err != nil {
				return errors.Join(p.out.Flush(), fmt.Errorf("topic %s offset %d: %w", log.Name(), records[i].Offset, err))
			}
			at = records[i].Offset + 1
		}
		if err := p.out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// bounds are the offsets to begin at and, unless it follows, to end before.
func (cmd *Tail) bounds(ctx context.Context, log stream.Log) (from, end int64, err error) {
	limited, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	oldest, next, err := log.Bounds(limited)
	if err != nil {
		return 0, 0, err
	}
	switch place := cmd.From; {
	case place == "oldest", place == "" && !cmd.Follow:
		return oldest, next, nil
	case place == "latest" && !cmd.Follow:
		return max(oldest, next-1), next, nil
	case place == "latest", place == "":
		return next, next, nil
	default:
		from, err := strconv.ParseInt(place, 10, 64)
		if err != nil || from < 0 {
			return 0, 0, shell.Usage(fmt.Errorf("--from %q is neither oldest nor latest nor an offset", place))
		}
		if from < oldest || from > next {
			return 0, 0, fmt.Errorf("topic %s has the offsets %d to %d, not %d", log.Name(), oldest, next-1, from)
		}
		return from, next, nil
	}
}

// tailPrinter writes records as lines.
type tailPrinter struct {
	cmd     *Tail
	decoder *wire.Decoder
	out     *bufio.Writer
	lines   int
}

func (p *tailPrinter) record(r *stream.Record) error {
	rec, err := p.decoder.Decode(r.Value)
	if err != nil {
		return err
	}
	if baseline, told, err := rec.ParseBaseline(); err != nil {
		return err
	} else if told {
		return p.line(baselineLine(r.Offset, &rec.Header, baseline))
	}
	if rec.Kind == wire.HeartbeatMessage && p.cmd.Heartbeats {
		return p.line(heartbeatLine(r.Offset, &rec.Header))
	}
	for i := range rec.Transactions {
		if err := p.line(transactionLine(r.Offset, &rec.Transactions[i])); err != nil {
			return err
		}
	}
	return nil
}

// line prints one line, and says when it was the last.
func (p *tailPrinter) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := p.out.Write(append(text, '\n')); err != nil {
		return err
	}
	if p.lines++; p.cmd.Limit > 0 && p.lines >= p.cmd.Limit {
		return errEnough
	}
	return nil
}
