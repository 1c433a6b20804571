import { DomainName, EndpointType, type RestApi, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

export interface CustomDomainProps {
  settings: NonNullable<Settings['customDomain']>
  api: RestApi
  /** The first segments of paths. The others follow as in the default URLs of API Gateway, after the stage. */
  basePaths: readonly string[]
}

/**
 * A custom domain for the API. A base path equals the stage, so that URLs differ only in the host. URLs in responses have
 * the host of the request, which API Gateway passes to the function.
 */
export class CustomDomain extends Construct {
  /** The DNS record must point to this host. */
  readonly target: string
  /** For the person who deploys. */
  readonly instruction: string

  constructor(
    scope: Construct,
    id: string,
    { settings: { name, certificateArn, hostedZone }, api, basePaths }: CustomDomainProps,
  ) {
    super(scope, id)
    const domain = new DomainName(this, 'Name', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    })
    for (const basePath of basePaths) domain.addBasePathMapping(api, { basePath, stage: api.deploymentStage })
    this.target = domain.domainNameAliasDomainName
    this.instruction = hostedZone ? `${name} points here` : `Create a CNAME record from ${name} to this host`
    if (!hostedZone) return
    new ARecord(this, 'Record', {
      zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', {
        hostedZoneId: hostedZone.id,
        zoneName: hostedZone.name,
      }),
      recordName: `${name}.`,
      target: RecordTarget.fromAlias(new ApiGatewayDomain(domain)),
    })
  }
}
