// Package policy turns who asks (rag.Principal) into what they may see
// (rag.Scope). It is the only place that does so.
//
// It must not know how a caller was authenticated, nor any document.
package policy
