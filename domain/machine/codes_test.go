// Every code of the rules is the answer to a command in some transcript.

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

	"onsale/domain"
)

func TestCodes_AppearInTranscripts(t *testing.T) {
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
			want := "code=" + code
			if code == domain.Internal { // no rejection: the outcome is a dead letter
				want = "reason=" + domain.DeadLetterPanicked
			}
			if !regexp.MustCompile(`(?m)^ .* ` + want + `\b`).Match(transcripts) {
				t.Errorf("no transcript has an answer with code %s", code)
			}
		}
		return true
	})
	if codes < 19 {
		t.Errorf("found only %d codes in codes.go", codes)
	}
}
