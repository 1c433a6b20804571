output "api_url" {
  value       = aws_cloudformation_stack.webhooks.outputs["ApiUrl"]
  description = "URL of the API, with /v1"
}

output "outputs" {
  value       = aws_cloudformation_stack.webhooks.outputs
  description = "All outputs of the stack"
}
