package qemu

import (
	"encoding/json"
	"time"
)

// A Disk is a virtio disk of a machine.
type Disk struct {
	Path   string // of a raw image
	Socket string // or, if it is not "", of a Unix socket at which a network block device is served
	Device string // QEMU's -device with its properties, without drive; "" means virtio-blk-pci

	// ReadOnly keeps the guest from writing. BadBlock, if it is not 0, is a block of 4 KiB that cannot be read.
	ReadOnly bool
	BadBlock uint64

	// Careless leaves it to the host when what is written gets to its disk, whatever the guest flushes: it is faster.
	Careless bool

	// Latency, if it is not 0, makes it a disk of 16 MiB of zeros without a Path, each request of which takes so long.
	Latency time.Duration
}

// args are the words of a command line for it.
func (d *Disk) args() []string {
	if d == nil {
		return nil
	}
	type object = map[string]any
	file := object{"driver": "file", "filename": d.Path}
	if d.Socket != "" {
		file = object{"driver": "nbd", "server": object{"type": "unix", "path": d.Socket}}
	}
	if d.Latency != 0 {
		file = object{"driver": "null-co", "size": 16 << 20, "latency-ns": d.Latency.Nanoseconds(), "read-zeroes": true}
	}
	if d.BadBlock != 0 {
		bad := object{"event": "read_aio", "errno": 5, "sector": d.BadBlock * 8, "once": false, "immediately": false}
		file = object{"driver": "blkdebug", "image": file, "inject-error": []object{bad}}
	}
	node, err := json.Marshal(object{"driver": "raw", "node-name": "disk", "read-only": d.ReadOnly, "file": file,
		"cache": object{"no-flush": d.Careless}})
	if err != nil {
		panic(err) // of numbers and texts
	}
	device := d.Device
	if device == "" {
		device = "virtio-blk-pci"
	}
	return []string{"-blockdev", string(node), "-device", device + ",drive=disk"}
}
