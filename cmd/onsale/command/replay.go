package command

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"

	"onsale/cmd/onsale/node"
	"onsale/config"
	"onsale/domain"
	"onsale/projections/audit"
	"onsale/projections/store"
	"onsale/streams"
)

// runReplay prints the logs, each command with its events.
func runReplay(ctx context.Context, cfg config.Config, query replayQuery, stdout, stderr io.Writer) (err error) {
	from, err := parseBound("from", query.From)
	if err != nil {
		return err
	}
	to, err := parseBound("to", query.To)
	if err != nil {
		return err
	}
	log, err := readLog(ctx, cfg, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	p := printer{out: out, epoch: log.Epoch(), csv: csv.NewWriter(out)}
	for d, err := range audit.Replay(ctx, log) {
		if err != nil {
			return err
		}
		if from.set() && from.compare(d.Command) < 0 {
			continue
		}
		if to.set() && to.compare(d.Command) > 0 {
			break
		}
		if query.Subject != "" && !slices.ContainsFunc(d.Records, func(r domain.Record) bool { return streams.SubjectMatches(r.Subject, query.Subject) }) {
			continue
		}
		if err := p.print(query.Format, d); err != nil {
			return err
		}
	}
	p.csv.Flush()
	return p.csv.Error()
}

// readableLog is the log of a stopped data directory, or of an external NATS.
type readableLog interface {
	audit.Log
	store.EventLog
	Epoch() string
	Close() error
}

// readLog opens a log for reading only. Of a data directory it reads the files.
func readLog(ctx context.Context, cfg config.Config, stderr io.Writer) (readableLog, error) {
	if len(cfg.NATS.URL) > 0 {
		return openTool(ctx, cfg, false, stderr)
	}
	log, err := streams.OpenFiles(ctx, cfg.Data, cfg.NATS.Prefix, newLogger("text", slog.LevelWarn, stderr))
	if err != nil {
		return nil, hintMissing(err)
	}
	return log, nil
}

// openTool opens a log for reading only, with a server.
func openTool(ctx context.Context, cfg config.Config, repair bool, stderr io.Writer) (*streams.Log, error) {
	c := streams.Config{URLs: cfg.NATS.URL, Login: node.NATSLogin(cfg.NATS), Prefix: cfg.NATS.Prefix, Node: cfg.Node, ReadOnly: true, Repair: repair, Logger: newLogger("text", slog.LevelWarn, stderr)}
	if len(c.URLs) == 0 {
		c.Dir = cfg.Data
	}
	log, err := streams.Open(ctx, c)
	return log, hintMissing(err)
}

// hintMissing adds a hint to the error for a directory without a log.
func hintMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return hintError{err, "name the data directory of a stopped node with --data, or an external NATS with --nats-url"}
	}
	return err
}

// bound is a sequence or a time; zero: none.
type bound struct {
	sequence uint64
	at       domain.Time
}

func parseBound(flag, text string) (bound, error) {
	if text == "" {
		return bound{}, nil
	}
	if sequence, err := strconv.ParseUint(text, 10, 64); err == nil {
		return bound{sequence: sequence}, nil
	}
	at, err := domain.ParseTime(text)
	if err != nil {
		return bound{}, usageError{fmt.Errorf("--%s is %q", flag, text), "a sequence such as 4711000, or a time such as 2026-01-02T15:04:05Z"}
	}
	return bound{at: at}, nil
}

func (b bound) set() bool { return b != bound{} }

// compare is negative if the command is before the bound, 0 at it, positive after it.
func (b bound) compare(c domain.Command) int {
	if b.at != 0 {
		return cmp.Compare(c.At, b.at)
	}
	return cmp.Compare(c.Sequence, b.sequence)
}

// printer writes decisions in one of three formats.
type printer struct {
	out         io.Writer
	csv         *csv.Writer
	epoch       string
	wroteHeader bool
}

func (p *printer) print(format string, d audit.Decision) error {
	switch format {
	case "jsonl":
		return p.jsonl(d)
	case "csv":
		return p.csvRow(d)
	}
	return p.text(d)
}

func (p *printer) text(d audit.Decision) error {
	c := d.Command
	name, _ := c.Body.Type()
	body, err := json.Marshal(c.Body)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d  %s  %s %s  %s  %s\n", c.Sequence, c.At, name, c.Entity, orDash(c.User), body)
	for _, e := range d.Events {
		name, _ := e.Body.Type()
		body, err := json.Marshal(e.Body)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "    %s-%d  %s  %s  %s\n", p.epoch, e.Number, name, orDash(e.User), body)
	}
	if len(d.Events) == 0 {
		_, err = fmt.Fprintln(p.out, "    no events")
	}
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type jsonEvent struct {
	EventID   string           `json:"eventId"`
	Type      string           `json:"type"`
	Entity    string           `json:"entity"`
	User      string           `json:"user,omitempty"`
	RequestID domain.RequestID `json:"requestId,omitzero"` // of the command that it answers
	Now       domain.Time      `json:"now"`
	Hash      string           `json:"hash"`
	Data      json.RawMessage  `json:"data"`
}

func (p *printer) jsonl(d audit.Decision) error {
	name, _ := d.Command.Body.Type()
	line := struct {
		Sequence  uint64           `json:"sequence"`
		At        domain.Time      `json:"at"`
		Type      string           `json:"type"`
		Entity    string           `json:"entity"`
		User      string           `json:"user,omitempty"`
		RequestID domain.RequestID `json:"requestId,omitzero"`
		Data      domain.Body      `json:"data"`
		Events    []jsonEvent      `json:"events"`
	}{d.Command.Sequence, d.Command.At, name, d.Command.Entity, d.Command.User, d.Command.Request, d.Command.Body, []jsonEvent{}}
	for i, e := range d.Events {
		name, _ := e.Body.Type()
		r := d.Records[i]
		line.Events = append(line.Events, jsonEvent{
			fmt.Sprintf("%s-%d", p.epoch, e.Number), name, e.Entity, e.User, e.Request, e.Now, r.Hash.String(), r.Data(),
		})
	}
	return json.NewEncoder(p.out).Encode(line)
}

func (p *printer) csvRow(d audit.Decision) error {
	if !p.wroteHeader {
		p.wroteHeader = true
		if err := p.csv.Write([]string{"sequence", "at", "command", "entity", "user", "requestId", "eventId", "event", "eventUser", "data"}); err != nil {
			return err
		}
	}
	c := d.Command
	name, _ := c.Body.Type()
	row := []string{strconv.FormatUint(c.Sequence, 10), c.At.String(), name, c.Entity, c.User, c.Request.String()}
	if len(d.Events) == 0 {
		return p.csv.Write(append(row, "", "", "", ""))
	}
	for i, e := range d.Events {
		name, _ := e.Body.Type()
		err := p.csv.Write(append(slices.Clone(row), fmt.Sprintf("%s-%d", p.epoch, e.Number), name, e.User, string(d.Records[i].Data())))
		if err != nil {
			return err
		}
	}
	return nil
}
