package api

// Problem is an error, as RFC 9457 application/problem+json.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Instance  string       `json:"instance,omitempty"`
	Code      string       `json:"code" doc:"One of a closed set: see the API guide"`
	RequestID string       `json:"request_id,omitempty"`
	Reason    string       `json:"reason,omitempty" doc:"Why a document was skipped or failed"`
	Errors    []FieldError `json:"errors,omitempty"`
}

// Error makes a Problem an error: what a client returns.
func (p *Problem) Error() string {
	s := p.Code + ": " + p.Detail
	for _, e := range p.Errors {
		if e.Message == p.Detail {
			s += " (" + e.Pointer + ")"
		} else if p.Detail != e.Pointer+": "+e.Message {
			s += "; " + e.Pointer + ": " + e.Message
		}
	}
	return s
}

// FieldError names one faulty value.
type FieldError struct {
	Pointer string `json:"pointer" doc:"JSON pointer into the request body, or the parameter's name"`
	Message string `json:"message"`
}
