package spreadsheet

import (
	"strings"

	"onsale/domain"
)

// Text is a cell of text that people wrote, such as a name. Ids, numbers and times are cells as they are.
type Text string

// String returns the cell: what a spreadsheet would evaluate as a formula begins with an apostrophe, and what controls a
// terminal is replaced by U+FFFD.
func (t Text) String() string {
	cell := strings.Map(func(r rune) rune {
		if domain.IsControl(r) && r != '\t' && r != '\n' {
			return '\uFFFD'
		}
		return r
	}, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(t)))
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

// unescape is the reverse of String, but for controls.
func unescape(cell string) string {
	if text, escaped := strings.CutPrefix(cell, "'"); escaped && isFormula(text) {
		return text
	}
	return cell
}

// isFormula says whether a spreadsheet may evaluate a cell, or would after an apostrophe is taken from its beginning. Some read
// the full-width forms of the signs as the signs.
func isFormula(cell string) bool {
	text := strings.TrimLeft(cell, "'")
	return text != "" && strings.IndexAny(text, "=+-@＝＋－＠\t\n") == 0
}
