package domain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDomain_IsPure walks the source below this folder: a rule that could read a clock, draw a random number or touch the world
// would not decide alike on every node and on every day.
func TestDomain_IsPure(t *testing.T) {
	// Packages without a clock, random numbers or I/O. io is for Dump's writer.
	allowed := []string{"bufio", "bytes", "cmp", "container/heap", "crypto/sha256", "encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors",
		"fmt", "io", "iter", "maps", "math", "slices", "sort", "strconv", "strings", "time", "unicode"}
	// Of package time, durations and the calendar only.
	allowedTime := []string{"Duration", "Millisecond", "Parse", "RFC3339Nano", "Second", "Time", "UnixMilli"}
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if !slices.Contains(allowed, name) && name != "onsale/domain" && !strings.HasPrefix(name, "onsale/domain/") {
				t.Errorf("%s: imports %s", fset.Position(spec.Pos()), name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s: concurrency has no order", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "time" && !slices.Contains(allowedTime, n.Sel.Name) {
					t.Errorf("%s: time.%s", fset.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 15 {
		t.Errorf("read %d files: %v", files, err)
	}
}
