// Package spreadsheet writes CSV as spreadsheets read it, and reads CSV as they write it.
package spreadsheet

import (
	"encoding/csv"
	"io"
)

// byteOrderMark begins a file in UTF-8. Without it, spreadsheets read Korean as another encoding.
const byteOrderMark = "\uFEFF"

// NewWriter begins a file (RFC 4180).
func NewWriter(w io.Writer) (*csv.Writer, error) {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out, nil
}
