package httpapi

import (
	"net/http"
	"strings"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// Prefixes of the routes that speak another API's shapes, errors included.
const (
	openAIPrefix = "/openai/"
	coherePrefix = "/cohere/"
)

// isAPI reports whether the path belongs to the API rather than the console.
func isAPI(path string) bool {
	return path == "/v1" || strings.HasPrefix(path, "/v1/") ||
		strings.HasPrefix(path, openAIPrefix) || strings.HasPrefix(path, coherePrefix)
}

// inDialect gives a problem the shape and status that clients of the path
// expect; the content type is the second result.
func inDialect(path string, p *problem) (body any, contentType string, status int) {
	status = p.Status
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // the others have one status for bad values
	}
	switch {
	case strings.HasPrefix(path, openAIPrefix):
		return openAIError(p, status), "application/json", status
	case strings.HasPrefix(path, coherePrefix):
		return api.CohereError{ID: p.RequestID, Message: p.Detail}, "application/json", status
	}
	return &p.Problem, p.ContentType(""), p.Status
}

func openAIError(p *problem, status int) api.OpenAIError {
	code := p.Code
	e := api.OpenAIErrorBody{Message: p.Detail, Type: openAIErrorType(status), Code: &code}
	if len(p.Errors) > 0 && p.Errors[0].Pointer != "" {
		param := strings.TrimPrefix(p.Errors[0].Pointer, "/")
		e.Param = &param
	}
	switch {
	case code == string(rag.CodeNotFound) && e.Param != nil && *e.Param == "model":
		code = "model_not_found"
	case code == string(rag.CodeLimited):
		code = "rate_limit_exceeded"
	}
	return api.OpenAIError{Error: e}
}

func openAIErrorType(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= 500:
		return "server_error"
	}
	return "invalid_request_error"
}
