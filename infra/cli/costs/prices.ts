/** When the prices were written down. They are list prices, without free tiers and taxes. */
export const PRICES_OF = { month: '2026-11', region: 'us-east-1', currency: 'USD' }

/** The price of one unit. */
export interface Price {
  dollars: number
  unit: string
  /** Page of AWS that has the price. */
  source: string
}

const LAMBDA = 'https://aws.amazon.com/lambda/pricing/'
const CLOUDWATCH = 'https://aws.amazon.com/cloudwatch/pricing/'
const DYNAMODB = 'https://aws.amazon.com/dynamodb/pricing/on-demand/'
const WAF = 'https://aws.amazon.com/waf/pricing/'

export const PRICES = {
  apiCall: { dollars: 3.5, unit: 'million calls', source: 'https://aws.amazon.com/api-gateway/pricing/' },
  lambdaRequest: { dollars: 0.2, unit: 'million requests', source: LAMBDA },
  /** On arm64. */
  lambdaTime: { dollars: 13.3334, unit: 'million GB-s', source: LAMBDA },
  durableOperation: { dollars: 8, unit: 'million operations', source: LAMBDA },
  durableWrite: { dollars: 0.25, unit: 'GB written', source: LAMBDA },
  durableStorage: { dollars: 0.15, unit: 'GB-months', source: LAMBDA },
  dynamoWrite: { dollars: 0.625, unit: 'million writes', source: DYNAMODB },
  dynamoRead: { dollars: 0.125, unit: 'million reads', source: DYNAMODB },
  logs: { dollars: 0.5, unit: 'GB of logs', source: CLOUDWATCH },
  /** Billed for the hours in which it receives data. */
  metric: { dollars: 0.3, unit: 'metrics', source: CLOUDWATCH },
  alarm: { dollars: 0.1, unit: 'alarms', source: CLOUDWATCH },
  dashboard: { dollars: 3, unit: 'dashboards', source: CLOUDWATCH },
  secret: { dollars: 0.4, unit: 'secrets', source: 'https://aws.amazon.com/secrets-manager/pricing/' },
  wafAcl: { dollars: 5, unit: 'web ACLs', source: WAF },
  wafRule: { dollars: 1, unit: 'rules', source: WAF },
  wafRequest: { dollars: 0.6, unit: 'million calls', source: WAF },
  trace: { dollars: 5, unit: 'million traces', source: 'https://aws.amazon.com/xray/pricing/' },
} as const satisfies Record<string, Price>
