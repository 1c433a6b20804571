import { approve } from './approval-service.ts'
import { type KeptnEvent, shortType, taskEvent } from './events.ts'
import { whyDropped } from './received-event.ts'
import type { Webhook } from './webhook-config.ts'
import { announce, execute, type Surroundings } from './webhook-service.ts'

interface SubscriptionOptions extends Surroundings {
  webhooks: readonly Webhook[]
  /** Whether Keptn's approval-service runs, as it does by default. */
  approvalService: boolean
  warn(text: string): void
}

/** The services of Keptn that subscribe to the events of a run. */
export class Subscriptions {
  private readonly options: SubscriptionOptions

  constructor(options: SubscriptionOptions) {
    this.options = options
  }

  /**
   * Delivers an event to its subscribers. Sends all `.started` events before the first call, so that a quick response to one
   * subscription cannot end the task before the other subscriptions have started.
   *
   * @returns the running calls
   */
  async deliver(event: KeptnEvent): Promise<Promise<void>[]> {
    if (this.options.approvalService) await approve(event, this.options.send)
    const webhooks = this.options.webhooks.filter(({ type }) => type === event.type)
    if (webhooks.length === 0) return []
    const dropped = whyDropped({ ...event })
    if (dropped !== undefined) {
      this.options.warn(`Keptn drops ${shortType(event.type)}: ${dropped}`)
      return []
    }
    for (const webhook of webhooks) await announce(webhook, event, this.options)
    return webhooks.map((webhook) => this.run(webhook, event))
  }

  private async run(webhook: Webhook, event: KeptnEvent): Promise<void> {
    const failure = await execute(webhook, event, this.options)
    // Keptn does not report a failed notification, because it belongs to no task.
    if (failure !== undefined && taskEvent(event.type)?.kind !== 'triggered') {
      this.options.warn(`the webhook on ${shortType(event.type)} failed: ${failure}`)
    }
  }
}
