// Text that people write: names, reasons and messages. It is shown on pages and terminals, and in cells of exports.

package domain

import (
	"strings"
	"unicode"
)

// CheckName returns a *FieldError unless a name has 1 to limit bytes in one line, and not only spaces.
func CheckName(field, name string, limit int) error {
	if strings.TrimSpace(name) == "" || len(name) > limit {
		return InvalidField(field, "1 to %d bytes, not only spaces", limit)
	}
	return checkControls(field, name, "")
}

// CheckText returns a *FieldError when a text of several lines, or none, has more than limit bytes.
func CheckText(field, text string, limit int) error {
	if len(text) > limit {
		return InvalidField(field, "at most %d bytes", limit)
	}
	return checkControls(field, text, "\t\n\r")
}

func checkControls(field, text, allowed string) error {
	for _, r := range text {
		if IsControl(r) && !strings.ContainsRune(allowed, r) {
			return InvalidField(field, "has the control character U+%04X", r)
		}
	}
	return nil
}

// IsControl says whether a character controls what shows a text, instead of being shown: C0 and C1 with DEL, separators of lines
// and paragraphs, and what turns the direction of the text that follows. Joiners (in emoji) and the marks of right-to-left
// scripts are no controls.
func IsControl(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// MaxReason is the longest reason that an admin gives beside a command, in bytes: it is copied into events that may name
// 1,000 seats, and shown in one cell of an export.
const MaxReason = 200

// CheckReason checks the reason of a command.
func CheckReason(reason string, limit int) error { return CheckText("reason", reason, limit) }
