// Command compare runs onsale and what a team would run instead in turn, loads each in the same way, and prints a table in
// Markdown. README.md says what is compared, and how. It needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"onsale/cmd/onsale/bench/compare/load"
)

// tool is one run of this program.
type tool struct {
	rounds, count int
	duration      time.Duration // of the loads at a fixed rate
	which         []string      // measures
	systems       []string
	onsale        string // the binary
	serveFlags    []string
	redisFlags    string
	postgresFlags string
	self          string // this binary
	dir           string // for everything that the systems write
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == peerCommand {
		err = servePeer(ctx, os.Args[2:])
	} else {
		err = run(ctx, os.Args[1:])
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(os.Stderr, "compare: %v\n", err)
	if hinted, ok := errors.AsType[hintError](err); ok {
		fmt.Fprintf(os.Stderr, "hint: %s\n", hinted.hint)
	}
	stop()
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// hintError is an error with advice.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

var (
	errUsage = errors.New("wrong usage")
	errWrong = errors.New("outcomes were lost, doubled or oversold")
)

func run(ctx context.Context, args []string) (err error) {
	t, err := parse(args)
	if err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	if t.self, err = os.Executable(); err != nil {
		return err
	}
	if t.dir, err = makeDir(); err != nil {
		return err
	}
	defer os.RemoveAll(t.dir)
	if slices.Contains(t.systems, "onsale") && t.onsale == "" {
		fmt.Fprintln(os.Stderr, "building onsale")
		if t.onsale, err = buildOnsale(ctx, t.dir); err != nil {
			return err
		}
	}
	r := results{}
	for n := 0; n < t.rounds && err == nil; n++ {
		err = t.round(ctx, n, r)
	}
	if len(r) > 0 {
		t.printTable(os.Stdout, r) // of what there is, also after an error
	}
	wrong := 0
	r.all(func(_, _ string, result *load.Result) { wrong += result.Wrong() })
	if err == nil && wrong > 0 {
		err = errWrong
	}
	return err
}

func parse(args []string) (*tool, error) {
	t := &tool{}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.IntVar(&t.rounds, "rounds", 3, "each system runs once in a round")
	flags.IntVar(&t.count, "count", 200_000, "commands of a load without a rate, each of another user")
	flags.DurationVar(&t.duration, "duration", 15*time.Second, "of a load with a rate; an overload takes two thirds of it")
	short := flags.Bool("short", false, "one round of 20,000 commands and 5 s, which takes some three minutes")
	which := flags.String("which", "", "measures, with commas between them: win, lose, answer, 1000, 5000, overload, always (default: all)")
	chosen := flags.String("systems", "", "systems, with commas between them: "+strings.Join(systemKeys(), ", ")+" (default: all)")
	flags.StringVar(&t.onsale, "onsale", "", "binary of onsale (default: built from this checkout); flags after -- are those of \"onsale serve\"")
	flags.StringVar(&t.redisFlags, "redis-flags", "", "flags of the peer with Redis, such as \"-pipelines 0\"")
	flags.StringVar(&t.postgresFlags, "postgres-flags", "", "flags of the peer with PostgreSQL alone, such as \"-batch 64\"")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errUsage // the flag set has printed it
	}
	t.serveFlags = flags.Args()
	if *short {
		t.rounds, t.count, t.duration = 1, 20_000, 5*time.Second
	}
	var err error
	if t.which, err = choose("-which", *which, measures[:len(measures)-1]); err != nil {
		return nil, err
	}
	if slices.Contains(t.which, always) {
		t.which = append(t.which, always1000)
	}
	if t.systems, err = choose("-systems", *chosen, systemKeys()); err != nil {
		return nil, err
	}
	if t.rounds < 1 || t.count < 1000 || t.duration < time.Second {
		return nil, hintError{fmt.Errorf("%w: -rounds, -count or -duration is too small", errUsage), "at least 1, 1000 and 1s"}
	}
	if t.onsale != "" {
		t.onsale, err = filepath.Abs(t.onsale)
	}
	return t, err
}

// choose splits a list; an empty one is everything.
func choose(name, list string, all []string) ([]string, error) {
	if list == "" {
		return slices.Clone(all), nil
	}
	chosen := strings.Split(list, ",")
	for _, c := range chosen {
		if !slices.Contains(all, c) {
			return nil, hintError{fmt.Errorf("%w: %s has %q", errUsage, name, c), strings.Join(all, ", ")}
		}
	}
	return chosen, nil
}

// check finds what is missing before anything is started.
func (t *tool) check() error {
	if t.onsale != "" {
		if _, err := os.Stat(t.onsale); err != nil {
			return hintError{err, "-onsale is the path of a binary; without it one is built"}
		}
	}
	usesRedis, usesPostgres := slices.Contains(t.systems, "redis"), slices.Contains(t.systems, "postgres")
	if usesRedis {
		if _, err := findRedis(); err != nil {
			return err
		}
	}
	if usesRedis || usesPostgres {
		if _, err := findPostgres(); err != nil {
			return err
		}
		if _, err := postgresCredential(); err != nil {
			return err
		}
	}
	const descriptors = 10_000 // of an overload's connections and streams
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < descriptors {
		return hintError{fmt.Errorf("a process may open %d files, and %d are needed", limit.Cur, descriptors), "ulimit -n 20000"}
	}
	return nil
}

func (t *tool) chosenSystems() (chosen []system) {
	for _, s := range systems {
		if slices.Contains(t.systems, s.key) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}
