import type * as z from 'zod/mini'
import type { MessageProvider } from '../../shared/providers/message.ts'
import { postOnce, resolveChannel } from '../../shared/providers/push-update.ts'
import type { ReportProvider } from '../../shared/providers/report.ts'

/** Adapts a message provider to a report provider that posts each report as a message. */
export function messageReport<S extends z.ZodMiniObject>(provider: MessageProvider<S>): ReportProvider<S> {
  const platform = provider as MessageProvider
  return {
    ...provider,
    kind: 'report',
    supportedFields: provider.channel === undefined ? [] : ['channel'],
    resolveDestination: ({ channel }, connection) => ({
      channel: resolveChannel(channel, connection, platform, false),
    }),
    async report(client, { channel }, { message }) {
      const { id, url } = await postOnce(platform, client, channel, message)
      return { id, url, summary: channel === undefined ? 'a message' : `a message to ${channel}` }
    },
  }
}
