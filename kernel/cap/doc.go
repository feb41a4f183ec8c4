// Package cap says who may do what: a table of capabilities, each the right of one holder to use one object in certain
// ways.
//
//	name   { generation 32, slot 32 } ──► record, half a cache line, found by two loads
//
//	         owner   generation, gone, holder  compared in one word
//	         meta    kind, rights              fixed for a life
//	         object  two words                 fixed for a life; what they say is the kind's business
//
//	         links, in the other half of the frame, which a lookup does not touch:
//
//	         head    first child, closed, dead, claimed
//	         next    next sibling, marked      the list of who was derived from the same capability
//	         parent  its name
//
// Capabilities form trees (Dennis & Van Horn, CACM 1966; the derivation tree is seL4's, Klein et al., SOSP 2009). A child
// has no right that its parent lacks, and dies with it: Revoke kills all that is below a capability and leaves it, as
// seL4_CNode_Revoke does; Delete kills the capability too. In seL4 children survive a Delete, and so do in Capsicum (Watson et
// al., USENIX Security 2010) the copies of a descriptor that is closed; here they do not, so that whoever has a right has it
// by a chain of living capabilities, which who stands above can cut at any link.
//
// Names are not secret. Whoever calls says for whom, and a name of somebody else's matches nothing.
//
// Start reading: record.go, the words; table.go, the guarantees; derive.go, revoke.go and detach.go; then
// cells.go, where records come from.
package cap
