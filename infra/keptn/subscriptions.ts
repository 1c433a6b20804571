import { approve } from './approval-service.ts'
import { type KeptnEvent, shortType, taskEvent } from './events.ts'
import { whyDropped } from './received-event.ts'
import type { GoObject } from './template/values.ts'
import type { Webhook } from './webhook-config.ts'
import { announce, execute, type Surroundings } from './webhook-service.ts'

interface SubscriptionOptions extends Surroundings {
  webhooks: readonly Webhook[]
  /** Whether Keptn's approval-service runs, as it does by default. */
  approvalService: boolean
  warn(text: string): void
}

/** Everybody in Keptn who listens to the events of a run. */
export class Subscriptions {
  private readonly options: SubscriptionOptions

  constructor(options: SubscriptionOptions) {
    this.options = options
  }

  /**
   * Gives an event to all its subscribers. Every `.started` is sent before the first call is made, so that a quick
   * answer to one subscription cannot end a task whose others have not begun.
   * @returns the calls under way
   */
  async deliver(event: KeptnEvent): Promise<Promise<void>[]> {
    if (this.options.approvalService) await approve(event, this.options.send)
    const webhooks = this.options.webhooks.filter(({ type }) => type === event.type)
    if (webhooks.length === 0) return []
    const dropped = whyDropped(event as unknown as GoObject)
    if (dropped !== undefined) {
      this.options.warn(`Keptn drops ${shortType(event.type)}: ${dropped}`)
      return []
    }
    for (const webhook of webhooks) await announce(webhook, event, this.options)
    return webhooks.map((webhook) => this.run(webhook, event))
  }

  private async run(webhook: Webhook, event: KeptnEvent): Promise<void> {
    const failure = await execute(webhook, event, this.options)
    // Nothing in Keptn tells of a failed notification: there is no task that it could fail.
    if (failure !== undefined && taskEvent(event.type)?.kind !== 'triggered') {
      this.options.warn(`the webhook on ${shortType(event.type)} failed: ${failure}`)
    }
  }
}
