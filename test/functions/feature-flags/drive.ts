import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../../shared/providers/set-flags.ts'
import { validate } from '../../../shared/validate.ts'
import { type ClientOptions, clientOf } from '../client.ts'
import { startedJob } from '../job.ts'

/**
 * Returns functions that set flags as the framework does.
 *
 * @param connection returns the connection, as in its secret
 * @param flag used if the input has none
 */
export function flagDriver(provider: FlagProvider, connection: () => object, flag = 'checkout-v2') {
  const prepare = (input: object, options: ClientOptions = {}, more: object = {}) => {
    const action = 'flags' in input ? setFlags : setFlag
    const values = provider.connection.parse({ ...connection(), ...more })
    const asked = validate(action.input, 'flags' in input ? input : { flag, ...input }, {
      what: 'The input',
      root: 'input',
    })
    const completed = action.complete(asked as never, { event: { data: {} } as never, connection: values, provider })
    return { action, completed, client: clientOf(provider, values, options) }
  }
  /** @param more other fields of the connection */
  const run = async (input: object, options?: ClientOptions, more?: object) => {
    const { action, client, completed } = prepare(input, options, more)
    return action.run(provider, client, completed)
  }
  return {
    prepare,
    set: async (...call: Parameters<typeof run>) => (await run(...call)).outcome,
    /** Requests a change that does not take effect at once. */
    request: async (...call: Parameters<typeof run>) => startedJob(await run(...call)),
    async poll({ job }: StartedJob, input: object, options?: ClientOptions): Promise<PollResult> {
      const { action, client, completed } = prepare(input, options)
      // The job state of a task is stored as JSON.
      const polled = await action.job?.getStatus(provider, client, completed, JSON.parse(JSON.stringify(job)))
      if (!polled) throw new Error('The action is not a job.')
      return polled
    },
  }
}
