# Saves the orchestrator and the caller, deploys the state machine, and prints its entry for cdk.json. Run it in the folder of the project.
set -e
: "${ALARM:?Set it to the name of the CloudWatch alarm, such as checkout-errors}"
stack=${STACK:-CloudAutomationWebhooks}

# Prints the ARN of the alias live of a webhook.
webhook() {
  arn=$(aws cloudformation list-stack-resources --stack-name "$stack" --output text --query \
    "StackResourceSummaries[?ResourceType=='AWS::Lambda::Alias' && starts_with(LogicalResourceId, '$1WebhookLive')].PhysicalResourceId")
  [ -n "$arn" ] || { echo "The stack $stack has no alias live of the $1 webhook. Deploy the webhooks first, or set STACK to their stack." >&2; exit 1; }
  echo "$arn"
}
remediation=$(webhook Remediation)
slo=$(webhook Slo)
ticketing=$(webhook IssueTicketing)
echo '{"type":"step-functions"}' | npx webhooks orchestrator add step-functions --type step-functions --from-file -
# A state needs no token.
npx webhooks token list --json | grep -q '"remediation": {' ||
  npx webhooks token create remediation --orchestrator step-functions --categories remediation,slo,issue-ticketing > /dev/null
aws cloudformation deploy --template-file "$(dirname "$0")/template.yaml" --stack-name remediation --capabilities CAPABILITY_IAM \
  --parameter-overrides "AlarmName=$ALARM" "RemediationWebhook=$remediation" "SloWebhook=$slo" "IssueTicketingWebhook=$ticketing"
machine=$(aws cloudformation describe-stacks --stack-name remediation --output text --query \
  "Stacks[0].Outputs[?OutputKey=='StateMachineArn'].OutputValue")
echo "Add this to context.webhooks in cdk.json, and deploy the webhooks again. It allows their tasks to complete the states:"
echo "\"awsProviders\": { \"step-functions\": [\"$machine\"] }"
