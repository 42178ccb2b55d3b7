// Package safetensors reads tensors from .safetensors files, single or in
// shards with an index, in F32, F16 and BF16. It trusts nothing in a header:
// a file that lies is an error that names the tensor.
//
// Format: https://huggingface.co/docs/safetensors. It must not know models.
package safetensors
