// Errors as they are shown at a terminal: lower case, no full stop, and a hint. Cobra words its own errors differently, so
// they are replaced here.

package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/config"
	"onsale/projections/store"
	"onsale/streams"
)

// usageError is an invalid command line or configuration: exit code 2.
type usageError struct {
	error
	hint string
}

func (e usageError) Unwrap() error { return e.error }
func (e usageError) Hint() string  { return e.hint }

// hintError is a failure with advice.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }
func (e hintError) Hint() string  { return e.hint }

// hinter is an error that has advice. Package bench has such errors too.
type hinter interface {
	error
	Hint() string
}

// invalidUsage makes a usageError of an error that may have a hint.
func invalidUsage(err error) error {
	hint := ""
	if h, ok := errors.AsType[hinter](err); ok {
		hint = h.Hint()
	}
	return usageError{err, hint}
}

// printError prints an error and its hint. Faults of a configuration have a line and a hint each, below a line that counts them.
func printError(stderr io.Writer, err error) {
	if err == nil {
		return
	}
	faults, ok := errors.AsType[config.Faults](err)
	switch {
	case ok && len(faults) == 1:
		fmt.Fprintf(stderr, "onsale: 1 fault in the configuration\n%v\n", faults)
	case ok:
		fmt.Fprintf(stderr, "onsale: %d faults in the configuration\n%v\n", len(faults), faults)
	default:
		fmt.Fprintf(stderr, "onsale: %v\n", err)
	}
	h, ok := errors.AsType[hinter](err)
	switch {
	case ok && h.Hint() != "":
		fmt.Fprintf(stderr, "hint: %s\n", h.Hint())
	case errors.Is(err, streams.ErrNameInUse):
		fmt.Fprintln(stderr, "hint: each node on one NATS needs its own name: set it with --node, or stop the other node")
	case errors.Is(err, streams.ErrLocked):
		fmt.Fprintln(stderr, "hint: stop that process, or use another directory with --data")
	case errors.Is(err, streams.ErrMetaDamaged):
		fmt.Fprintf(stderr, "hint: %s\n", metaHint)
	case errors.Is(err, streams.ErrNoLog):
		fmt.Fprintln(stderr, "hint: put the log back where it was (the directory jetstream, a mount, the right NATS); to begin a new log, move the read store away")
	case errors.Is(err, streams.ErrDamaged):
		fmt.Fprintln(stderr, "hint: copy the data directory, then \"onsale repair --data DIR\" says what can be healed; nothing was changed")
	case errors.Is(err, store.ErrUnavailable):
		fmt.Fprintf(stderr, "hint: %s; the file was not changed\n", refusalHint(err))
	}
}

const metaHint = "copy meta.inf and meta.sum of this stream from a backup of this log, as \"onsale backup\" makes it: they change only when the stream's size is changed; nothing was changed here"

// refusalHint is what to do when the operating system refuses a file.
func refusalHint(err error) string {
	is := func(refusals ...syscall.Errno) bool {
		refused, ok := errors.AsType[syscall.Errno](err)
		return ok && slices.Contains(refusals, refused)
	}
	switch {
	case is(syscall.ENOMEM):
		return "allow the process more memory and address space (ulimit -v): it maps 1 GiB"
	case is(syscall.EMFILE, syscall.ENFILE):
		return "allow more open files (ulimit -n, LimitNOFILE)"
	case is(syscall.EACCES, syscall.EPERM, syscall.EROFS):
		return "let the user of this process read and write the data directory"
	case is(syscall.ENOSPC):
		return "free space on the disk"
	}
	return "stop the process that uses it"
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	_, isUsage := errors.AsType[usageError](err)
	_, isConfig := errors.AsType[config.Faults](err)
	if isUsage || isConfig {
		return 2
	}
	return 1
}

func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, command := range parent.Commands() {
		names = append(names, command.Name())
	}
	return usageError{fmt.Errorf("unknown command %q", name), didYouMean(name, names, parent)}
}

// flagError adds a hint to an error of pflag.
func flagError(command *cobra.Command, err error) error {
	hint := fmt.Sprintf("\"%s --help\" lists its flags", command.CommandPath())
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		command.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		hint = didYouMean("--"+unknown.GetSpecifiedName(), names, command)
	}
	return usageError{err, hint}
}

func noArguments(command *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{
		fmt.Errorf("%s takes no argument, and %q is one", command.Name(), args[0]),
		fmt.Sprintf("\"%s --help\" shows its usage", command.CommandPath()),
	}
}

func didYouMean(word string, names []string, command *cobra.Command) string {
	if near := config.Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return fmt.Sprintf("\"%s --help\" lists them", command.CommandPath())
}
