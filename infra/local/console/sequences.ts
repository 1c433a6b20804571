import { messageOf } from '../../../shared/errors.ts'
import { keptnEventLog } from '../../keptn/event-log.ts'
import { playSequence } from '../../keptn/player.ts'
import { loadSequence, sequenceNames } from '../../keptn/sequence-files.ts'
import { demo } from '../../platforms/sandbox/demo.ts'

/** A sequence that comes along, and how it was played last. */
interface SequenceView {
  name: string
  /** The sequences of its stages, with their tasks. */
  stages: { stage: string; name: string; tasks: string[] }[]
  play?: Play
}

/** Times are milliseconds since 1970. */
interface Play {
  state: 'playing' | 'passed' | 'failed' | 'stopped'
  startedAt: number
  endedAt?: number
  /** What its player tells, the newest 300 lines. */
  lines: string[]
}

export interface Sequences {
  list(): SequenceView[]
  /** @returns `unknown` where there is none, `playing` where it is being played already */
  play(name: string): 'started' | 'unknown' | 'playing'
  /** What runs at the receiver goes on there. */
  stop(name: string): boolean
  close(): void
}

const mostLines = 300

/** @param tell of a sequence that has changed, with its new line if there is one */
export function createSequences(
  url: string,
  token: () => string,
  tell: (view: SequenceView, line?: string) => void,
): Sequences {
  const plays = new Map<string, Play & { abort: AbortController }>()

  function view(name: string): SequenceView {
    const stages = loadSequence(name).sequences.map((sequence) => ({
      stage: sequence.stage,
      name: sequence.name,
      tasks: sequence.tasks.map((task) => task.name),
    }))
    const { abort: _abort, ...play } = plays.get(name) ?? { abort: undefined }
    return { name, stages, ...('state' in play ? { play } : {}) }
  }

  async function run(name: string, play: Play & { abort: AbortController }): Promise<void> {
    const print = (line: string) => {
      play.lines.push(line)
      if (play.lines.length > mostLines) play.lines.shift()
      tell(view(name), line)
    }
    try {
      const { passed, interrupted } = await playSequence({
        name,
        url,
        token: token(),
        log: keptnEventLog(`${url}/sandbox/keptn`, demo.keptnToken),
        signal: play.abort.signal,
        print,
      })
      play.state = interrupted ? 'stopped' : passed ? 'passed' : 'failed'
    } catch (error) {
      play.state = 'failed'
      print(messageOf(error))
    }
    play.endedAt = Date.now()
    tell(view(name))
  }

  return {
    list: () => sequenceNames().map(view),
    play(name) {
      if (!sequenceNames().includes(name)) return 'unknown'
      if (plays.get(name)?.state === 'playing') return 'playing'
      const play = { state: 'playing' as const, startedAt: Date.now(), lines: [], abort: new AbortController() }
      plays.set(name, play)
      void run(name, play)
      tell(view(name))
      return 'started'
    },
    stop(name) {
      const play = plays.get(name)
      play?.abort.abort()
      return play?.state === 'playing'
    },
    close() {
      for (const { abort } of plays.values()) abort.abort()
    },
  }
}
