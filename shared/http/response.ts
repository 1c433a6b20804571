/** A response in API Gateway's format. */
export interface WebhookResponse {
  statusCode: number
  headers: Record<string, string>
  body: string
}
