# Saves the token of a caller in the cluster, and applies the files. Run it in the folder of the project.
set -e
: "${WEBHOOKS_URL:?Set it to the output ApiUrl of the stack}"
: "${CLUSTER:?Set it to the name of the cluster, such as production-eu}"
: "${IMAGE:?Set it to the image to deploy, such as registry.example.com/checkout:1.4.2}"
folder=$(dirname "$0")
saved=$(kubectl get secret webhooks --ignore-not-found --output name)
if [ -z "$saved" ]; then
  token=${WEBHOOKS_TOKEN:-$(npx webhooks token create argo-rollouts --categories load-testing)}
  printf %s "$token" | kubectl create secret generic webhooks --from-file token=/dev/stdin
fi
for file in analysis-template rollout; do
  sed -e "s|https://webhooks.example.com|${WEBHOOKS_URL%/v1}|" -e "s|production-eu|$CLUSTER|" \
    -e "s|registry.example.com/checkout:1.4.2|$IMAGE|" "$folder/$file.yaml" | kubectl apply --filename -
done
