// What the readers of commands share: which promotion, schedule, … a path names, and what its body says about it.

package http

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"onsale/domain"
)

// validatedBody is a body that knows its own shape.
type validatedBody interface {
	domain.Body
	Check() error
}

// entityCommand reads a command on what the path names by param; read takes its fields out of the body.
func entityCommand(param string, decode func(*object) validatedBody) commandDecoder {
	return func(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
		entity, err := pathID(r, param)
		if err != nil {
			return commandRequest{}, err
		}
		body, canonical, err := decodeBody(w, r, decode)
		return commandRequest{entity: entity, body: body, canonical: canonical}, err
	}
}

// pathCommand reads a command whose path says everything. There is nothing to say in its body.
func pathCommand(decode func(*http.Request) (entity string, body domain.Body, err error)) commandDecoder {
	return func(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
		entity, body, err := decode(r)
		if err != nil {
			return commandRequest{}, err
		}
		return commandRequest{entity: entity, body: body}, readFields(w, r, func(*object) {})
	}
}

// adminCommand reads a command that goes in where users are kept out for want of room.
func adminCommand(decode commandDecoder) commandDecoder {
	return func(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
		req, err := decode(w, r)
		req.admin = true
		return req, err
	}
}

// readFields takes the fields of a body, whose values are for the rules to judge.
func readFields(w http.ResponseWriter, r *http.Request, read func(*object)) error {
	fields, err := readBody(w, r)
	if err != nil {
		return err
	}
	read(fields)
	return fields.Finish()
}

// decodeBody reads a body whole, checks its shape, and gives it back in the one spelling that fingerprints cover.
func decodeBody(w http.ResponseWriter, r *http.Request, decode func(*object) validatedBody) (body validatedBody, canonical string, err error) {
	if err := readFields(w, r, func(o *object) { body = decode(o) }); err != nil {
		return nil, "", err
	}
	if err := body.Check(); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(body)
	return body, string(text), err
}

// generatedID is the id in the path of something that onsale has named: a coupon, a reservation, a place in a waiting list.
func generatedID(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	return id, checkID(id, name, maxID)
}

// splitID takes such an id apart: what it belongs to, the mark, and a number from 1 on. Of an id that was never made so, it
// gives the whole and 0: nothing is there that has this name, so the rules find nothing, and the refusal is an outcome
// like every other.
func splitID(id, separator string) (entity string, number int) {
	i := strings.LastIndex(id, separator)
	if i < 1 {
		return id, 0
	}
	number, err := strconv.Atoi(id[i+len(separator):])
	if err != nil || number < 1 || id != id[:i]+separator+strconv.Itoa(number) {
		return id, 0
	}
	return id[:i], number
}
