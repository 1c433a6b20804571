import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda'
import { admit } from '../shared/agents/authorizer.ts'
import { agentsHandler } from '../shared/agents/handler.ts'

const answer = agentsHandler()

/** Handles the requests of API Gateway, and those of its authorizer. */
export const handler = (event: APIGatewayProxyEvent | APIGatewayRequestAuthorizerEvent, context: Context) =>
  'methodArn' in event ? admit(event) : answer(event, context)
