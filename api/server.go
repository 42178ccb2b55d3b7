package api

// VersionInfo says what runs.
type VersionInfo struct {
	Version  string            `json:"version" example:"0.1.0"`
	Revision string            `json:"revision" doc:"Commit it was built from"`
	Go       string            `json:"go" doc:"Version of Go that built it"`
	Platform string            `json:"platform" example:"linux/amd64"`
	Models   []ModelInfo       `json:"models"`
	Kernels  map[string]string `json:"kernels" doc:"The CPU kernel chosen for each operation"`
}

// ModelInfo names a model in use.
type ModelInfo struct {
	Role        string `json:"role" example:"embed"`
	Name        string `json:"name" example:"all-MiniLM-L6-v2"`
	Fingerprint string `json:"fingerprint" doc:"Identity of weights, tokenizer, pooling, prompts, dimension and quantisation"`
	Dimension   int    `json:"dimension,omitempty"`
}

// Health says that the process answers.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

// Ready says whether the server can serve. Checks are shown to operators.
type Ready struct {
	Status string  `json:"status" enum:"ready,degraded,replaying,draining,failed"`
	Seq    uint64  `json:"seq,omitempty" doc:"While replaying: what the index has applied"`
	Head   uint64  `json:"head,omitempty" doc:"While replaying: the head of the log"`
	Checks []Check `json:"checks,omitempty"`
}

// Check is the state of one part of the server.
type Check struct {
	Name     string `json:"name"`
	Required bool   `json:"required" doc:"Without it the server is not ready; the others only degrade it"`
	State    string `json:"state" enum:"ok,failed,replaying,draining"`
	Code     string `json:"code,omitempty" doc:"Why it is not ok"`
}
