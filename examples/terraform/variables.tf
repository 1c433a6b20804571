variable "release" {
  type        = string
  description = "Folder with template.json and assets/: cloudformation.zip of a release, or dist.template of a checkout"
}

variable "bucket" {
  type        = string
  description = "Bucket for the template and the code of the functions, in the region of the stack"
}

variable "prefix" {
  type        = string
  default     = "cloud-automation-webhooks/"
  description = "Start of the keys in the bucket"
}

variable "name" {
  type        = string
  default     = "CloudAutomationWebhooks"
  description = "Name of the stack: the stackName of the settings with which the template was written"
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of the stack and its resources"
}
