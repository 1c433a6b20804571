/** The start of the message by webhook-service of Keptn for a silent call that failed. The complete call follows. */
const FAILED_CALL = "could not execute request 'curl"
const BEFORE_REASON = "': "
const BEFORE_STATUS = `${BEFORE_REASON}error during curl request execution: `
const BEFORE_DETAIL = '"detail":"'
/** JSON text without its quotation marks. The end may be missing, because long messages are cut. */
const JSON_TEXT = /^(?:[^"\\\p{Cc}]|\\["\\/bfnrt]|\\u[\da-f]{4})*/iu

/** Returns the message of an event for people. Of a silent call that failed, it returns the reason without the call. */
export function textOfMessage(message = ''): string {
  const text = message.trim()
  if (!text.startsWith(FAILED_CALL)) return text
  const status = text.lastIndexOf(BEFORE_STATUS)
  const end = status < 0 ? text.lastIndexOf(BEFORE_REASON) : status
  if (end < 0) return text
  const reason = text.slice(end + BEFORE_REASON.length)
  const index = reason.indexOf(BEFORE_DETAIL, reason.indexOf('Response:'))
  if (index < 0) return reason
  const [detail] = JSON_TEXT.exec(reason.slice(index + BEFORE_DETAIL.length)) ?? []
  return detail ? JSON.parse(`"${detail}"`) : reason
}
