import { issueTicketing, withFirstCalls } from './first-calls.ts'
import type { Fresh } from './fresh.ts'
import { type Bench, interleave, median, ms, ratio, type Section, within } from './measure.ts'

const rounds = 21
/** Ratio to the minimal handler. */
const MAX_RATIO = 0.8
const MEMORY_MB = [256, 512, 1_024, 1_769]
/** With this memory, a function has one complete vCPU. */
const FULL_VCPU_MB = 1_769

/**
 * Measures a cold start as Lambda runs it: init at full speed, and the first call at the function's share of a vCPU. Uses CPU
 * times, which depend less on other load of the machine than elapsed times.
 */
export async function cold(bench: Bench): Promise<Section> {
  const runs = await withFirstCalls(bench, issueTicketing, (calls) => {
    bench.progress(`${rounds} new processes for each of ${Object.keys(calls).length} handlers`)
    return interleave(rounds, calls)
  })
  const rows = Object.keys(issueTicketing).flatMap((what) => {
    const [theirs, ours] = [cpuOf(runs[`${what}: by hand`] ?? []), cpuOf(runs[`${what}: ours`] ?? [])]
    return MEMORY_MB.map((memory) => {
      const [minimal, webhook] = [atMemory(theirs, memory), atMemory(ours, memory)]
      return [
        what,
        `${memory} MB`,
        `${ms(theirs.init)} + ${ms(theirs.call)}`,
        ms(minimal),
        `${ms(ours.init)} + ${ms(ours.call)}`,
        ms(webhook),
        gbMs(webhook, memory),
        ratio(webhook, minimal),
        within(webhook / minimal, MAX_RATIO, (value) => `${value} x`),
      ]
    })
  })
  return {
    title: 'Cold start as Lambda runs it',
    columns: [
      'call',
      'memory',
      'minimal: init + call',
      'cold',
      'ours: init + call',
      'cold',
      'GB-ms',
      'ratio',
      'budget',
    ],
    rows,
    notes: [
      `CPU times, medians of ${rounds} new processes of each, in turns. "Cold" is the CPU of init plus the CPU of the first call divided by the function's share of a vCPU, because Lambda runs init at full speed with any memory. The share is the memory / ${FULL_VCPU_MB} MB. "GB-ms" is what Lambda bills for ours, without the time that it waits.`,
      'The minimal handler (`test/bench/minimal/`) loads the clients of the AWS SDK during init and sends the requests that the call needs, but has no validation, masking or retries. Ours also reads the orchestrators of its callers during init. [ADR 10](adr/0010-work-in-init.md) has the values before.',
    ],
  }
}

function cpuOf(runs: readonly Fresh[]): { init: number; call: number } {
  return { init: median(runs.map(({ cpuMs }) => cpuMs)), call: median(runs.map(({ callCpuMs = 0 }) => callCpuMs)) }
}

function gbMs(cold: number, memory: number): string {
  return ((cold * memory) / 1_024).toFixed(0)
}

function atMemory({ init, call }: { init: number; call: number }, memory: number): number {
  return init + call / Math.min(1, memory / FULL_VCPU_MB)
}
