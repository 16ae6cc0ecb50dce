// What a node sends controls no terminal: --target may name anything, and users choose names.

package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// printable has no character that would control a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// escapeControls does the same for JSON, whose strings may have the controls above ASCII as they are, and keeps its meaning.
func escapeControls(text string) string {
	var b strings.Builder
	for _, r := range text { // what is no UTF-8 becomes the replacement character
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// printableError is an error whose text may be the node's.
func printableError(err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case usageError:
		return usageError{errors.New(printable(e.Error())), printable(e.hint)}
	case hintError:
		return hintError{errors.New(printable(e.Error())), printable(e.hint)}
	}
	return errors.New(printable(err.Error()))
}

// say prints a line about the feed.
func say(stderr io.Writer, format string, args ...any) {
	fmt.Fprintln(stderr, printable(fmt.Sprintf(format, args...)))
}
