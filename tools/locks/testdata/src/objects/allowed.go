package objects

import "exo/kernel/sync"

// A file that may use raw locks.
var allowed sync.Ticket
