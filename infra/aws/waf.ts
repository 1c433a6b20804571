import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import { Construct } from 'constructs'

/**
 * Rules that inspect the body or the query. They count and do not block: up to 256 KB of event texts (titles, links, log
 * lines) often look like an attack, and a blocked call is a failed sequence. These texts never reach a shell, a page or a query.
 */
const COUNTED_RULES = [
  'CrossSiteScripting_BODY',
  'CrossSiteScripting_QUERYARGUMENTS',
  'EC2MetaDataSSRF_BODY',
  'EC2MetaDataSSRF_QUERYARGUMENTS',
  'GenericLFI_BODY',
  'GenericLFI_QUERYARGUMENTS',
  'GenericRFI_BODY',
  'GenericRFI_QUERYARGUMENTS',
  'RestrictedExtensions_QUERYARGUMENTS',
  'SizeRestrictions_BODY',
  'SizeRestrictions_QUERYSTRING',
]

export interface WafProps {
  /** The stage to protect. */
  stageArn: string
  /** Requests per minute and address. */
  rateLimit: number
}

/** A web ACL with AWS managed rules and a rate limit per address. */
export class Waf extends Construct {
  constructor(scope: Construct, id: string, { stageArn, rateLimit }: WafProps) {
    super(scope, id)
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibility('Webhooks'),
      rules: [
        managed(0, 'AWSManagedRulesAmazonIpReputationList'),
        managed(1, 'AWSManagedRulesCommonRuleSet', {
          ruleActionOverrides: COUNTED_RULES.map((name) => ({ name, actionToUse: { count: {} } })),
        }),
        {
          priority: 2,
          name: 'RateLimit',
          action: { block: {} },
          statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: rateLimit, evaluationWindowSec: 60 } },
          visibilityConfig: visibility('RateLimit'),
        },
      ],
    })
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: acl.attrArn })
  }
}

function managed(
  priority: number,
  name: string,
  more: Partial<CfnWebACL.ManagedRuleGroupStatementProperty> = {},
): CfnWebACL.RuleProperty {
  return {
    priority,
    name,
    overrideAction: { none: {} },
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name, ...more } },
    visibilityConfig: visibility(name),
  }
}

function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  // Sampled requests would expose bodies and tokens.
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false, metricName }
}
