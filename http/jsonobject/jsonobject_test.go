package jsonobject

import (
	"strings"
	"testing"
)

func TestParse_Rejects(t *testing.T) {
	for text, want := range map[string]string{
		``:                                 "$: is not JSON at byte 0",
		`7`:                                "$: is not an object",
		`null`:                             "$: is not an object",
		`[{}]`:                             "$: is not an object",
		`{} {}`:                            "$: something follows the object",
		"{\"a\":\"\xff\"}":                 "$: is not UTF-8",
		`{"a":1,"a":2}`:                    "a: is given twice",
		`{"a":[{"b":1,"b":1}]}`:            "a[0].b: is given twice",
		`{"a":[1,`:                         "a[1]: is not JSON at byte 8",
		`{"a":["x","\ud800"]}`:             `a[1]: has half of a character: \ud800`,
		`{"a":"\udc00\ud800"}`:             `a: has half of a character: \udc00`,
		`{"a":"\ud83d\ude00\uD83D\u0041"}`: `a: has half of a character: \uD83D`,
		`{"a":"\\\ud83dx"}`:                `a: has half of a character: \ud83d`,
		`{"a":{"\ud800":1}}`:               `a: has half of a character: \ud800`,
		"\uFEFF\uFEFF{}":                   "$: is not JSON at byte 0",
		strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17): strings.Repeat("a.", 15) + "a: is nested deeper than 16",
		`{"` + strings.Repeat("x", 65) + `":}`:                      strings.Repeat("x", 64) + "…: is not JSON at byte 69",
	} {
		if _, err := Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// Whole characters are taken as they are written, also the one that stands for what is not a character.
func TestParse_KeepsCharacters(t *testing.T) {
	o, err := Parse([]byte("\uFEFF" + `{"a":"\ud83d\ude00\uFFFD` + "\uFFFD" + `","b":"\\ud800","c":"\"\\\uD83D\uDE00"}`))
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := o.Text("a"), o.Text("b"), o.Text("c"); a != "😀\uFFFD\uFFFD" || b != `\ud800` || c != `"\😀` {
		t.Errorf("got %q, %q, %q", a, b, c)
	}
	o, err = ParseLoosely([]byte("{\"a\":\"\\ud83d\xff\",\"b\":1}"))
	if err != nil || o.Text("a") != "\uFFFD\uFFFD" || o.Integer("b", 0) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestObject_Reads(t *testing.T) {
	o, err := Parse([]byte(`{"text":"t","id":7,"big":9223372036854775807,"amount":9007199254740993.0,"yes":true,"none":null,
		"numbers":[1,2],"empty":[],"object":{"text":"inner"},"list":[{"n":1},{"n":2}]}`))
	if err != nil {
		t.Fatal(err)
	}
	id, given := o.TextOrInteger("id")
	if _, absent := o.TextOrInteger("none"); o.Text("text") != "t" || o.Text("none") != "" || id != "7" || !given || absent {
		t.Errorf("texts: %q, %v", id, given)
	}
	if o.Integer("big", 0) != 1<<63-1 || o.Integer("none", 5) != 5 || o.RequiredNumber("amount") != "9007199254740993.0" {
		t.Error("numbers")
	}
	if !o.Bool("yes", false) || !o.Bool("none", true) || !o.RequiredBool("yes") || o.Has("none") || !o.Has("yes") {
		t.Error("bools")
	}
	if n := o.Integers("numbers"); len(n) != 2 || n[1] != 2 || o.Integers("none") != nil || o.Integers("empty") == nil {
		t.Errorf("integers: %v", n)
	}
	sum := int64(0)
	o.Each("list", func(o *Object) { sum += o.RequiredInteger("n") })
	o.Object("object", func(o *Object) { sum += int64(len(o.RequiredText("text"))) })
	o.Object("none", func(*Object) { t.Error("an absent object was read") })
	if err := o.Finish(); sum != 8 || err != nil {
		t.Errorf("%d, %v", sum, err)
	}
}

// Each read has one fault; the error names it.
func TestObject_NamesInvalidFields(t *testing.T) {
	const text = `{"t":"x","n":1.5,"exp":1e3,"huge":9223372036854775808,"list":[{"n":"1"},7],"ints":[1,"2"],"o":{"p":{}}}`
	for want, read := range map[string]func(o *Object){
		"n: is not a string":           func(o *Object) { o.Text("n") },
		"no: is missing":               func(o *Object) { o.RequiredText("no") },
		"o: is not a string":           func(o *Object) { o.TextOrInteger("o") },
		"exp: is not an integer":       func(o *Object) { o.TextOrInteger("exp") },
		"n: is not an integer":         func(o *Object) { o.Integer("n", 0) },
		"huge: is not an integer":      func(o *Object) { o.RequiredInteger("huge") },
		"t: is not an integer":         func(o *Object) { o.RequiredInteger("t") },
		"not: is missing":              func(o *Object) { o.RequiredInteger("not") },
		"t: is not a number":           func(o *Object) { o.RequiredNumber("t") },
		"t: is not true or false":      func(o *Object) { o.Bool("t", false) },
		"none: is missing":             func(o *Object) { o.RequiredBool("none") },
		"ints[1]: is not an integer":   func(o *Object) { o.Integers("ints") },
		"t: is not a list":             func(o *Object) { o.Integers("t") },
		"list[0].n: is not an integer": func(o *Object) { o.Each("list", func(o *Object) { o.Integer("n", 0) }) },
		"list[1]: is not an object":    func(o *Object) { o.Each("list", func(*Object) {}) },
		"nothing: is missing":          func(o *Object) { o.RequiredObject("nothing").Text("t") },
		"t: is not an object":          func(o *Object) { o.Object("t", func(o *Object) { o.RequiredText("t") }) },
		"o.p.q: is missing":            func(o *Object) { o.RequiredObject("o").RequiredObject("p").RequiredText("q") },
		"o.p: is 1 too long":           func(o *Object) { o.RequiredObject("o").Invalid("p", "is %d too long", 1) },
	} {
		o, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if read(o); o.Err() == nil || o.Err().Error() != want {
			t.Errorf("got %v, want %s", o.Err(), want)
		}
	}
}

func TestObject_FinishRejectsUnknown(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:            "",
		`{"a":1,"A":1}`:      "A: is unknown",
		`{"c":1,"b":null}`:   "b: is unknown",
		`{"o":{"p":1}}`:      "o.p: is unknown",
		`{"a":"","zz":{}}`:   "a: is not an integer",
		`{"l":[{},{"x":1}]}`: "l[1].x: is unknown",
	} {
		o, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		o.Integer("a", 0)
		o.Object("o", func(*Object) {})
		o.Each("l", func(*Object) {})
		if got := o.Finish(); (got == nil) != (want == "") || got != nil && got.Error() != want {
			t.Errorf("%s: got %v, want %q", text, got, want)
		}
	}
}

func TestObject_FailKeepsFirst(t *testing.T) {
	o := New(map[string]any{"list": []any{7.0}})
	o.Fail(nil)
	o.Each("list", func(*Object) {})
	o.Invalid("later", "is ignored")
	if err := o.Finish(); err == nil || err.Error() != "list[0]: is not an object" {
		t.Errorf("got %v", err)
	}
}
