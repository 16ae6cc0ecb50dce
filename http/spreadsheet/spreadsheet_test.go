package spreadsheet

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"onsale/domain"
)

var testColumns = []string{"id", "name", "price"}

// read returns the lines of a file as "line:id|name|price".
func read(file string) (lines []string, err error) {
	r, err := NewReader([]byte(file), testColumns)
	for err == nil {
		var cells map[string]string
		var line int
		if cells, line, err = r.Read(); err == nil {
			lines = append(lines, fmt.Sprintf("%d:%s|%s|%s", line, cells["id"], cells["name"], cells["price"]))
		}
	}
	if err == io.EOF {
		err = nil
	}
	return lines, err
}

func TestReader_TakesWhatSpreadsheetsWrite(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"plain":                        {"id,name,price\na,b,1\n", "2:a|b|1"},
		"no end of line":               {"id,name,price\na,b,1", "2:a|b|1"},
		"old Macs":                     {"id,name,price\ra,b,1\rc,d,2\r", "2:a|b|1 3:c|d|2"},
		"byte order mark":              {"\uFEFFid,name,price\r\na,b,1\r\n", "2:a|b|1"},
		"byte order mark before quote": {"\uFEFF\"id\",\"name\"\r\na,b\r\n", "2:a|b|"},
		"delimiters left out":          {"id,name,price\na,b\nc\nd,,1\n", "2:a|b| 3:c|| 4:d||1"},
		"delimiters left over":         {"id,name\na,b,,,\nc,d\n", "2:a|b| 3:c|d|"},
		"empty columns":                {"id,,name,,\na,,b,,\n", "2:a|b|"},
		"lines of delimiters":          {"id,name,price\n,,\na,b,1\n,,\n,,\n", "3:a|b|1"},
		"lines of spaces":              {"id,name,price\n  \na,b,1\n\t\n \u00a0 ,\n", "3:a|b|1"},
		"lines above the header":       {"\n,,,\n  \nid,name\na,b\n", "5:a|b|"},
		"spaces around cells":          {" id , name\n a , b\u3000\n", "2:a|b|"},
		"semicolons":                   {"id;name;price\na;b, c;1\n", "2:a|b, c|1"},
		"semicolons after empty line":  {";;\nid;name\na;b\n", "3:a|b|"},
		"tabs":                         {"id\tname\tprice\na\tb\t1\n", "2:a|b|1"},
		"sep":                          {"sep=;\r\nid;name\r\na;b\r\n", "3:a|b|"},
		"sep of a comma":               {"\uFEFFSEP=,\nid,name\na,b\n", "3:a|b|"},
		"sep in quotes":                {"\"sep=\t\"\nid\tname\na\tb\n", "3:a|b|"},
		"one column":                   {"id\na\n", "2:a||"},
		"lines in a cell":              {"id,name\na,\"b\nc\"\nd,e\n", "2:a|b\nc| 4:d|e|"},
		"a cell as it was exported":    {"id,name\na,'=1\nb,''@\nc,'n\nd,'＋\n", "2:a|=1| 3:b|'@| 4:c|'n| 5:d|＋|"},
		"decomposed":                   {"id,name\na,\u1100\u1161\n", "2:a|가|"},
		"nothing":                      {"", ""},
		"only a header":                {"id,name\n,\n", ""},
	} {
		got, err := read(c.file)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestReader_LocatesErrors(t *testing.T) {
	for file, want := range map[string]string{
		"id,colour\n":                "line 1: colour: is an unknown column",
		"sep=;\nid;name;id\n":        "line 2: id: is given twice",
		"id,name\n\na,b,c\n":         "line 3: : has a cell in column 3, which has no name",
		"id,,name\na,b,c\n":          "line 2: : has a cell in column 2, which has no name",
		"sep=,\nid,name\na,\"b\n":    "line 3: : extraneous or missing \" in quoted-field",
		"id,name\na,b\"\n":           "line 2: : bare \" in non-quoted-field",
		"id,name\na,\xb0\xa1\n":      `line 0: : is not UTF-8; save it as "CSV UTF-8"`,
		"\xff\xfei\x00d\x00":         `line 0: : is not UTF-8; save it as "CSV UTF-8"`,
		"PK\x03\x04\x14\x00":         `line 0: : is a workbook; save it as "CSV UTF-8"`,
		"\xD0\xCF\x11\xE0\xA1\xB1":   `line 0: : is a workbook; save it as "CSV UTF-8"`,
		"sep=x\nidxname\n":           "line 1: sep=x: is an unknown column",
		"id|name\na|b\n":             "line 1: id|name: is an unknown column",
		"\uFEFF\uFEFFid,name\na,b\n": "line 1: \uFEFFid: is an unknown column",
		"id,name\na,b\n\"c\",d\"e\n": "line 3: : bare \" in non-quoted-field",
		"id;name\n\"a\"x;b\nc;\"d\n": "line 2: : extraneous or missing \" in quoted-field",
	} {
		if _, err := read(file); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", file, err, want)
		}
	}
}

func TestText_Escapes(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Kim": "Kim", "a=b": "a=b", "1-1": "1-1", "'n": "'n", "쿠폰": "쿠폰", "one\r\ntwo\rthree": "one\ntwo\nthree",
		"=1+1": "'=1+1", "+82": "'+82", "-1": "'-1", "@home": "'@home", "\t=1": "'\t=1", "\r=1": "'\n=1", "'=1": "''=1",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x",
		"a\x00b\x1b[2J\x7f\u009b": "a\uFFFDb\uFFFD[2J\uFFFD\uFFFD", "\u202egnp": "\uFFFDgnp",
	} {
		if got := Text(text).String(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// FuzzText: a name that is exported is no formula, and imported again is the same.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"=1", "''=1", "＝", "\"", "a;b", "\r", "\uFEFF", "가\u0301,", " "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		cell := Text(name).String()
		if isFormula(cell) && cell[0] != '\'' {
			t.Errorf("%q: %q is a formula", name, cell)
		}
		if domain.CheckName("name", name, 1000) != nil || strings.TrimSpace(name) != name {
			return // neither gets into the log
		}
		var file bytes.Buffer
		w, err := NewWriter(&file)
		if err == nil {
			err = w.WriteAll([][]string{{"id", "name"}, {"1", cell}})
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(file.Bytes(), testColumns)
		if err != nil {
			t.Skip("it is not UTF-8")
		}
		if cells, _, err := r.Read(); err != nil || Text(cells["name"]).String() != Text(nfc(name)).String() {
			t.Errorf("%q: got %q, %v", name, cells, err)
		}
	})
}

// FuzzReader: every file is read to its end, or has an error in one of its lines.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{"id,name\na,b\n", "sep=;\nid;name\n\"a\n\";b", "\uFEFFid\tname\r,,\r", "id,,name\na,,b,,\n", "'=1,\"\"\"\n", "PK\x03\x04"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		ends := 2 + bytes.Count(file, []byte("\n")) + bytes.Count(file, []byte("\r"))
		r, err := NewReader(file, testColumns)
		for last := 0; err == nil; {
			var cells map[string]string
			var line int
			if cells, line, err = r.Read(); err == nil {
				if len(cells) == 0 || line <= last || line > ends {
					t.Fatalf("%q: line %d after %d: %q", file, line, last, cells)
				}
				last = line
			}
		}
		if invalid, ok := err.(*Error); err != io.EOF && (!ok || invalid.Line < 0 || invalid.Line > ends) {
			t.Errorf("%q: %v", file, err)
		}
	})
}
