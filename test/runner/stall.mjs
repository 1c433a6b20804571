// Finds tests that depend on the speed of the machine:
//
//     NODE_OPTIONS="--import ./test/runner/stall.mjs" npm test -- test/lifecycle
//
// A busy machine suspends a process at any time, in the middle of a request or between two timers. This module does the same
// to each thread of each Node.js process, again and again, without using the processor.

const MAX_STALL_MS = 50
const MAX_RUN_MS = 40

// Tests replace the clock.
const { setTimeout } = globalThis
const memory = new Int32Array(new SharedArrayBuffer(4))

// Processes that this one starts may work in another folder. Unlike a path, a URL contains neither spaces nor quotes, which
// NODE_OPTIONS would need to escape.
const { NODE_OPTIONS = '' } = process.env
process.env.NODE_OPTIONS = NODE_OPTIONS.replace(/(--import[ =])\S*stall\.mjs/, (_, option) => option + import.meta.url)

function stall() {
  Atomics.wait(memory, 0, 0, Math.random() * MAX_STALL_MS)
  setTimeout(stall, Math.random() * MAX_RUN_MS).unref()
}
setTimeout(stall, Math.random() * MAX_RUN_MS).unref()
