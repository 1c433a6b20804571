import { DomainName, EndpointType, type RestApi, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

export interface CustomDomainProps {
  settings: NonNullable<Settings['customDomain']>
  api: RestApi
  /** Path before the category, the same as in the default URLs of API Gateway. */
  basePath: string
}

/**
 * A custom domain for the API. Its base path equals the stage, so that URLs differ only in the host. URLs in responses have
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
    { settings: { name, certificateArn, hostedZone }, api, basePath }: CustomDomainProps,
  ) {
    super(scope, id)
    const domain = new DomainName(this, 'Name', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    })
    for (const path of [basePath, '.well-known'])
      domain.addBasePathMapping(api, { basePath: path, stage: api.deploymentStage })
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
