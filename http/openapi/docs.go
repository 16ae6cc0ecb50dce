// The page that shows the document: plain HTML, made once, so that it needs nothing but this service and is searched by the browser.

package openapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

//go:embed docs.html
var docsPage string

var docsTemplate = template.Must(template.New("docs").Funcs(template.FuncMap{"text": FormatText}).Parse(docsPage))

type (
	docsView struct {
		Title, Description string
		Tags               []docsTag
		Codes              []docsCode
		Schemas            []docsSchema
	}
	docsTag struct {
		Name, Description string
		Operations        []docsOperation
	}
	docsOperation struct {
		ID, Method, Path, Summary, Description, Who string
		Parameters                                  []docsField
		Body                                        docsType
		Responses                                   []docsResponse
		Frames                                      []docsFrame
		Codes, OtherCodes                           []string // its own, and those of its kind
	}
	docsResponse struct {
		Status, Description string
		Type                docsType
	}
	docsFrame struct {
		Event string
		Type  docsType
	}
	docsCode struct {
		Code, Title string
		Status      int
	}
	docsSchema struct {
		Name, Description string
		Type              docsType // of one that has no fields
		Fields            []docsField
	}
	docsField struct {
		Name, In, Description string
		Optional              bool
		Type                  docsType
	}
	docsType struct {
		Text string // around the link: "array of "
		Link string // the name of a schema
	}
)

// HTML is the page.
func (d *Document) HTML() ([]byte, error) {
	info := d.root["info"].(object)
	v := docsView{Title: info["title"].(string), Description: info["description"].(string)}
	byTag := d.operationsByTag()
	for _, tag := range list(d.root["tags"]) {
		tag := tag.(object)
		name := tag["name"].(string)
		v.Tags = append(v.Tags, docsTag{name, tag["description"].(string), byTag[name]})
	}
	schemas := d.component("schemas")
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		schema := schemas[name].(object)
		properties, _ := schema["properties"].(object)
		if code, ok := strings.CutPrefix(name, "problem."); ok {
			v.Codes = append(v.Codes, docsCode{code, properties["title"].(object)["const"].(string), properties["status"].(object)["const"].(int)})
			continue
		}
		described := docsSchema{Name: name, Description: text(schema["description"])}
		if properties == nil {
			described.Type = typeOf(schema)
		}
		described.Fields = fields(schema)
		v.Schemas = append(v.Schemas, described)
	}
	slices.SortStableFunc(v.Codes, func(a, b docsCode) int { return a.Status - b.Status })
	var page bytes.Buffer
	err := docsTemplate.Execute(&page, v)
	return page.Bytes(), err
}

// operationsByTag describes the operations in the order of the routes, where what comes first stands first.
func (d *Document) operationsByTag() map[string][]docsOperation {
	byTag := map[string][]docsOperation{}
	paths := d.root["paths"].(object)
	for _, r := range d.routes {
		path := templatePath(r.Path)
		op, ok := paths[path].(object)[strings.ToLower(r.Method)].(object)
		if !ok || op["deprecated"] == true { // HEAD, and the older clients' paths
			continue
		}
		for _, tag := range names(op["tags"]) {
			byTag[tag] = append(byTag[tag], d.describe(r.Method, path, op))
		}
	}
	return byTag
}

func (d *Document) describe(method, path string, op object) docsOperation {
	v := docsOperation{
		ID: op["operationId"].(string), Method: method, Path: path, Summary: text(op["summary"]), Description: text(op["description"]), Who: text(op["x-who"]),
	}
	for _, parameter := range list(op["parameters"]) {
		parameter := d.resolve(parameter.(object), "parameters")
		if in := parameter["in"]; in == "path" || parameter["name"] == "X-Request-Id" {
			continue
		}
		v.Parameters = append(v.Parameters, docsField{
			Name: text(parameter["name"]), In: text(parameter["in"]), Description: text(parameter["description"]),
			Type: typeOf(parameter["schema"]), Optional: true,
		})
	}
	if body, ok := op["requestBody"].(object); ok {
		v.Body = typeOf(body["content"].(object)["application/json"].(object)["schema"])
	}
	responses := op["responses"].(object)
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		response := responses[status].(object)
		content, _ := response["content"].(object)
		if problem, ok := content["application/problem+json"].(object); ok {
			v.OtherCodes = append(v.OtherCodes, problemCodes(problem["schema"].(object))...)
			if len(content) == 1 {
				continue
			}
		}
		if stream, ok := content["text/event-stream"].(object); ok {
			v.Frames = frames(stream["itemSchema"].(object))
		}
		r := docsResponse{Status: status, Description: text(response["description"])}
		for _, media := range []string{"application/json", "text/event-stream", "text/html; charset=utf-8"} {
			if c, ok := content[media].(object); ok {
				r.Type = typeOf(c["schema"])
				break
			}
		}
		v.Responses = append(v.Responses, r)
	}
	v.Codes = names(op["x-codes"])
	v.OtherCodes = slices.DeleteFunc(v.OtherCodes, func(code string) bool { return slices.Contains(v.Codes, code) })
	slices.Sort(v.OtherCodes)
	return v
}

// problemCodes are the codes of a problem's schema.
func problemCodes(schema object) (codes []string) {
	alternatives := list(schema["oneOf"])
	if alternatives == nil {
		alternatives = []any{schema}
	}
	for _, alternative := range alternatives {
		name := strings.TrimPrefix(alternative.(object)["$ref"].(string), schemaRef("problem."))
		codes = append(codes, name)
	}
	return codes
}

func frames(schema object) (frames []docsFrame) {
	for _, frame := range list(schema["anyOf"]) {
		properties := frame.(object)["properties"].(object)
		event := "no name"
		if named, ok := properties["event"].(object); ok {
			event = named["const"].(string)
		}
		data := properties["data"].(object)
		if data["contentSchema"] != nil {
			data = data["contentSchema"].(object)
		}
		frames = append(frames, docsFrame{event, typeOf(data)})
	}
	return frames
}

// fields are the properties of a schema, the required ones first.
func fields(schema object) (all []docsField) {
	properties, _ := schema["properties"].(object)
	required := list(schema["required"])
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(object)
		all = append(all, docsField{Name: name, Description: text(property["description"]), Type: typeOf(property), Optional: !slices.Contains(required, any(name))})
	}
	slices.SortStableFunc(all, func(a, b docsField) int {
		switch {
		case a.Optional == b.Optional:
			return 0
		case b.Optional:
			return -1
		}
		return 1
	})
	return all
}

// typeOf is a short name of a schema.
func typeOf(v any) docsType {
	schema, _ := v.(object)
	if alternatives := append(list(schema["oneOf"]), list(schema["anyOf"])...); len(alternatives) > 0 {
		first := typeOf(alternatives[0])
		for _, alternative := range alternatives[1:] {
			other := typeOf(alternative)
			first.Text += other.Text + other.Link + " or "
		}
		return first
	}
	switch ref, isRef := schema["$ref"].(string); {
	case isRef:
		result, _ := schema["properties"].(object) // of the outcome of a command
		if result["result"] != nil {
			inner := typeOf(result["result"])
			return docsType{Text: "result: " + inner.Text, Link: inner.Link}
		}
		return docsType{Link: strings.TrimPrefix(ref, schemaRef(""))}
	case schema["enum"] != nil:
		return docsType{Text: strings.Trim(fmt.Sprint(schema["enum"]), "[]")}
	case schema["const"] != nil:
		quoted, _ := json.Marshal(schema["const"])
		return docsType{Text: string(quoted)}
	case schema["type"] == "array":
		item := typeOf(schema["items"])
		return docsType{Text: "array of " + item.Text, Link: item.Link}
	case schema["properties"] != nil && schema["properties"].(object)["items"] != nil:
		item := typeOf(schema["properties"].(object)["items"])
		return docsType{Text: "items: " + item.Text, Link: item.Link}
	case schema["properties"] != nil:
		return docsType{Text: "{" + strings.Join(slices.Sorted(maps.Keys(schema["properties"].(object))), ", ") + "}"}
	case schema["type"] == nil:
		return docsType{Text: "any"}
	}
	return docsType{Text: fmt.Sprint(schema["type"])}
}

func (d *Document) component(kind string) object { return d.root["components"].(object)[kind].(object) }

// resolve is what a reference to a component refers to.
func (d *Document) resolve(v object, kind string) object {
	if ref, ok := v["$ref"].(string); ok {
		return d.component(kind)[strings.TrimPrefix(ref, "#/components/"+kind+"/")].(object)
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// FormatText shows `code` as code, and blank lines as paragraphs.
func FormatText(s string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		b.WriteString("<p>")
		for i, part := range strings.Split(paragraph, "`") {
			if escaped := template.HTMLEscapeString(part); i%2 == 1 {
				b.WriteString("<code>" + escaped + "</code>")
			} else {
				b.WriteString(escaped)
			}
		}
		b.WriteString("</p>")
	}
	return template.HTML(b.String())
}
