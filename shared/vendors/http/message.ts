import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional } from '../../fields.ts'
import { defineMessageProvider } from '../../providers/message.ts'
import { connectionOf, fieldNamesOf, httpApi } from './connection.ts'
import { expression } from './expression-field.ts'
import { ANY, fields, type NameTree, requestNames, texts, withResponse } from './names.ts'
import { optionalText } from './optional.ts'
import { create } from './request.ts'
import { type CreateRequest, createField } from './request-fields.ts'

const names: NameTree = {
  ...requestNames([]),
  message: {
    ...texts(['mood', 'title', 'text']),
    fields: texts(['name', 'value']),
    links: texts(['label', 'url']),
    table: ANY,
    buttons: fields(['decision', 'label', 'token', 'url']),
  },
  ...texts(['decisionUrl']),
}

const connection = connectionOf({
  post: createField(
    'Posts message, which has mood, title, text, fields, table, links and buttons. decisionUrl is the page of an approval',
    names,
  ),
  posted: optional(
    z.strictObject({
      id: optional(expression('Id of the message in the response: response.id', withResponse(names))),
      url: optional(expression('Link to the message, for people', withResponse(names))),
    }),
  ),
})

/** Posts messages to any HTTP API. The connection describes the request and its response. */
export const httpMessage = defineMessageProvider({
  title: 'HTTP API',
  connection,
  ...httpApi,
  channel: undefined,

  async post(client, _channel, message) {
    const { post, posted } = client.connection
    const decisionUrl = message.buttons?.[0]?.url
    if (decisionUrl !== undefined) requireDecisionUrl(post)
    const names = { ...fieldNamesOf(client, {}), message, decisionUrl }
    const { created } = await create(client, post, names, 'post')
    return {
      id: optionalText(client, posted?.id, created, 'posted.id'),
      url: optionalText(client, posted?.url, created, 'posted.url'),
    }
  },
})

/** Matches names whose value contains the link. */
const HAS_LINK = /\b(?:decisionUrl|buttons)\b|\bmessage\b(?!\.)/

/**
 * Ensures that an approval request contains the link to its page.
 *
 * @throws Failure `misconfigured`
 */
function requireDecisionUrl(post: CreateRequest[]): void {
  const expressions = post.map(({ path, query, headers, body, form, multipart, text }) =>
    JSON.stringify([path, query, headers, body, form, multipart, text]),
  )
  if (expressions.some((text) => HAS_LINK.test(text))) return
  throw new Failure(
    'misconfigured',
    '"post" of the connection contains no link to the page where people decide. Add decisionUrl to its body, such as {text: message.text, link: decisionUrl}.',
  )
}
