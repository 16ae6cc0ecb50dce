// Package openapi is the OpenAPI 3.2 document of the HTTP API, and the page that shows it. It is written by hand in the YAML files
// of this folder, in OpenAPI's own words with a shorter notation where most operations are alike (see notation.go and operation.go).
// What the API knows better is not repeated there: the table of codes and the table of who may use a route are passed in. Tests
// of http compare the document with the router, and with every response and frame that was recorded.
package openapi

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Code is a code of problems.
type Code struct {
	Code, Title string
	Status      int
	RetryAfter  int      // seconds; 0: a retry would not help
	Facts       []string // the fields that the problem may have
}

// Route is a route as the router has it.
type Route struct {
	Method, Path string // "/api/v1/promotions/:promotionId"
	Who          string // may use it
	Public       bool   // it does not matter who asks
	Anonymous    bool   // also without a user
	Stream       bool
}

// Document is the whole document.
type Document struct {
	JSON         []byte
	CommandCodes map[string][]string // the codes of each command of the rules ("seats.hold")

	root   object
	routes []Route
}

//go:embed *.yaml
var files embed.FS

type object = map[string]any

// New makes the document. It is an error if the files and the tables do not fit together.
func New(codes []Code, routes []Route) (*Document, error) {
	b, err := load(codes)
	if err != nil {
		return nil, err
	}
	if err := b.expandSchemas(); err != nil {
		return nil, err
	}
	b.addProblems()
	b.addLegacyPaths()
	err = b.expandPaths(routes)
	delete(b.root, "x-codes")
	maps.DeleteFunc(b.schemas, func(_ string, schema any) bool { return schema.(object)["x-base"] != nil })
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(b.root)
	return &Document{text, b.commandCodes, b.root, routes}, err
}

// builder is a document under construction.
type builder struct {
	root, paths, schemas object
	codes                map[string]Code
	commandCodes         map[string][]string
}

// load reads the files and puts them together.
func load(codes []Code) (*builder, error) {
	root := object{"paths": object{}, "components": object{}}
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var part object
		if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&part); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tagOperations(part, strings.TrimSuffix(name, ".yaml"))
		if err := merge(root, part, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	b := &builder{
		root: root, paths: root["paths"].(object), schemas: root["components"].(object)["schemas"].(object), codes: map[string]Code{}, commandCodes: map[string][]string{},
	}
	for _, code := range codes {
		b.codes[code.Code] = code
	}
	return b, nil
}

// tagOperations gives the operations of a file its name as their tag, where they are not the admin's.
func tagOperations(part object, file string) {
	paths, _ := part["paths"].(object)
	for path, item := range paths {
		tag := file
		if strings.HasPrefix(path, "/api/v1/admin/") {
			tag = "admin"
		}
		for _, operation := range item.(object) {
			if operation, ok := operation.(object); ok {
				operation["tags"] = []any{tag}
			}
		}
	}
}

// merge adds what part has. Only paths and components are of several files.
func merge(into, part object, depth int) error {
	for key, value := range part {
		old, exists := into[key]
		switch {
		case !exists:
			into[key] = value
		case depth == 0 && key == "paths" || depth == 0 && key == "components" || depth == 1 && (key == "schemas" || key == "headers"):
			if err := merge(old.(object), value.(object), depth+1); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is in another file too", key)
		}
	}
	return nil
}

// addLegacyPaths adds the paths of older clients: those with x-legacy, under /api/schedules.
func (b *builder) addLegacyPaths() {
	added := object{}
	for path, item := range b.paths {
		item := item.(object)
		if item["x-legacy"] == nil {
			continue
		}
		delete(item, "x-legacy")
		copied := clone(item).(object)
		for _, operation := range copied {
			operation := operation.(object)
			operation["operationId"] = operation["operationId"].(string) + "Legacy"
			operation["summary"] = operation["summary"].(string) + ", for older clients, which see BLOCKED as RESERVED"
			operation["deprecated"] = true
		}
		added[strings.Replace(path, "/api/v1/schedules/", "/api/schedules/", 1)] = copied
	}
	for path, item := range added {
		b.paths[path] = item
	}
}

// expandPaths expands every operation. Each must be a route, and each route an operation.
func (b *builder) expandPaths(routes []Route) (err error) {
	known := map[string]Route{}
	for _, r := range routes {
		known[r.Method+" "+templatePath(r.Path)] = r
	}
	for path, item := range b.paths {
		for method, operation := range item.(object) {
			key := strings.ToUpper(method) + " " + path
			route, ok := known[key]
			if !ok {
				err = errors.Join(err, fmt.Errorf("%s is in the document and is no route", key))
				continue
			}
			delete(known, key)
			if e := b.expandOperation(path, operation.(object), route); e != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", key, e))
			}
		}
	}
	for key, r := range known {
		if r.Method != "HEAD" { // it is where GET is
			err = errors.Join(err, fmt.Errorf("%s is a route and not in the document", key))
		}
	}
	return err
}

// templatePath is a path of the router as OpenAPI spells it.
func templatePath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/")
}

// clone copies a value of JSON.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		copied := make(object, len(v))
		for key, value := range v {
			copied[key] = clone(value)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, value := range v {
			copied[i] = clone(value)
		}
		return copied
	}
	return v
}
