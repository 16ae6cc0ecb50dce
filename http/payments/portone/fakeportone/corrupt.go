// Answers that are spoilt: not sent, cut short, or trees of JSON that are changed at every depth.

package fakeportone

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
)

// writeResponse sends a as the fault has it.
func writeResponse(w http.ResponseWriter, f Fault, a response) {
	tree := toTree(a.body)
	switch f.Kind {
	case Extra:
		tree = addFields(tree)
	case Enum:
		tree = replaceField(tree, "status", func(any) any { return "SOMETHING_NEW" })
	case Fraction:
		for _, name := range []string{"amount", "total", "totalAmount"} {
			tree = replaceField(tree, name, addHalf)
		}
	}
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err) // it was made of JSON
	}
	switch f.Kind {
	case ResetAfter:
		resetConn(w)
		return
	case ErrorAfter:
		http.Error(w, "upstream timed out", http.StatusBadGateway)
		return
	case Garbage:
		text = text[:len(text)/2]
	case Page:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>잠시 후 다시 시도해 주세요</html>")
		return
	case Huge:
		text = append(bytes.Repeat([]byte(" "), 2<<20), text...)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(text)
}

// toTree makes a tree of maps, lists, strings and json.Numbers of anything that JSON can say.
func toTree(v any) (tree any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // handlers make nothing else
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&tree) // it was just made
	return tree
}

// addFields puts new fields into every object, some of them spelt almost as the old ones.
func addFields(tree any) any {
	return walk(tree, func(fields map[string]any) {
		maps.Copy(fields, map[string]any{
			"new_field": map[string]any{"deep": []any{1, "2", nil}}, "Amount": 1, "STATUS": "paid", "Sandbox": "yes", "imp_Uid": 7,
			"Code": 9, "Id": "other", "Total": "1",
		})
	})
}

// replaceField gives every field of a name another value.
func replaceField(tree any, name string, by func(any) any) any {
	return walk(tree, func(fields map[string]any) {
		if old, ok := fields[name]; ok {
			fields[name] = by(old)
		}
	})
}

// addHalf makes 1000 into 1000.5, and leaves what is no number.
func addHalf(v any) any {
	if number, ok := v.(json.Number); ok {
		return json.Number(number.String() + ".5")
	}
	return v
}

func walk(tree any, do func(map[string]any)) any {
	switch tree := tree.(type) {
	case map[string]any:
		for _, value := range tree {
			walk(value, do)
		}
		do(tree)
	case []any:
		for _, value := range tree {
			walk(value, do)
		}
	}
	return tree
}
