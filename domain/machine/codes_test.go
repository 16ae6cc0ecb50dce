// Every code has its story.

package machine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestCodes_EachInTranscript walks the codes of package domain: each of them answers somebody in some transcript.
func TestCodes_EachInTranscript(t *testing.T) {
	var transcripts []byte
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		transcripts = append(transcripts, text...)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "../codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(source, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, value := range spec.Values {
			literal, ok := value.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				continue
			}
			code, _ := strconv.Unquote(literal.Value)
			codes++
			if !regexp.MustCompile(`→ .*\b` + code + `\b`).Match(transcripts) {
				t.Errorf("no transcript tells how somebody hears %s", code)
			}
		}
		return true
	})
	if codes < 19 {
		t.Errorf("found %d codes in codes.go; is this test reading it rightly?", codes)
	}
}
