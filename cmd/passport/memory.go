package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// garbage is the percentage of the live memory at which Go collects garbage. The live
	// memory is a few megabytes, so by default a busy server collects all the time, which
	// takes a fifth of its CPU.
	garbage = 400

	// leastLimit is the memory limit in bytes while the live memory is small.
	// Without it the percentage also counts for the 19 MiB of each password that is
	// being hashed, and the garbage of a few sign-ins adds up to 200 MB.
	leastLimit = 40 << 20

	// limitFactor sets the limit of a process with much live memory, such as that of 2,000
	// connections, which would otherwise collect all the time.
	limitFactor = 4

	// idleAfter is the time without a collection after which the process returns its
	// garbage to the system. The last collection of a burst finds memory that is in use
	// then.
	idleAfter = time.Second

	// keptWhenIdle is the memory in bytes below which returning it isn't worth a
	// collection.
	keptWhenIdle = 24 << 20
)

// tuneMemory sets when Go collects garbage. The variables GOGC and GOMEMLIMIT override
// it.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(leastLimit)
		(&collection{newLimitTuner()}).await()
	}
}

// collection is garbage, so its finalizer runs after each collection.
type collection struct{ tuner *limitTuner }

func (c *collection) await() {
	runtime.SetFinalizer(c, func(c *collection) {
		c.tuner.collected()
		c.await()
	})
}

// limitTuner sets the memory limit from the live memory, and returns memory after a
// burst.
type limitTuner struct {
	limit     int64
	idle      *time.Timer
	returning atomic.Bool // the next collection is the one that idle asked for
}

func newLimitTuner() *limitTuner {
	t := &limitTuner{limit: leastLimit}
	t.idle = time.AfterFunc(idleAfter, t.returnMemory)
	return t
}

func (t *limitTuner) collected() {
	t.tune()
	if !t.returning.Swap(false) {
		t.idle.Reset(idleAfter)
	}
}

// tune counts only objects with pointers, and stacks: a block of argon2id has no
// pointers, and it must not raise the limit.
func (t *limitTuner) tune() {
	live := int64(sum("/gc/scan/heap:bytes", "/memory/classes/heap/stacks:bytes"))
	limit := max(leastLimit, limitFactor*live)
	// Each change stops the world for a moment.
	if changed := limit - t.limit; max(changed, -changed) > t.limit/8 {
		t.limit = limit
		debug.SetMemoryLimit(limit)
	}
}

func (t *limitTuner) returnMemory() {
	if sum("/memory/classes/total:bytes")-sum("/memory/classes/heap/released:bytes") > keptWhenIdle {
		t.returning.Store(true)
		debug.FreeOSMemory()
	}
}

// sum adds up metrics of the runtime. One that the runtime doesn't have counts 0.
func sum(names ...string) (total uint64) {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			total += s.Value.Uint64()
		}
	}
	return total
}
