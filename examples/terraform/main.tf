terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_s3_bucket" "assets" {
  bucket = var.bucket
}

# The names are hashes of the contents. A failed update needs the previous code, so it is deleted last.
resource "aws_s3_object" "code" {
  for_each = fileset("${var.release}/assets", "*.zip")
  bucket   = var.bucket
  key      = "${var.prefix}${each.value}"
  source   = "${var.release}/assets/${each.value}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_s3_object" "template" {
  bucket = var.bucket
  key    = "${var.prefix}template-${filesha256("${var.release}/template.json")}.json"
  source = "${var.release}/template.json"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "webhooks" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.assets.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]
  tags         = var.tags

  parameters = {
    AssetsBucket = var.bucket
    AssetsPrefix = var.prefix
  }

  depends_on = [aws_s3_object.code]
}
