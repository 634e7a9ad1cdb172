"""Read calls on compute outside the cluster, messaging and AI services (N8, N9), and operator paths (N11)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

# AWS's own public parameters: the newest Amazon Linux 2023, for each processor of an operations host.
HOST_IMAGES = tuple(
    f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{one}" for one in ("x86_64", "arm64")
)
_MODELS, _NONE = "bedrock:ListFoundationModels", ("ResourceNotFoundException",)

QUERIES: tuple[Query, ...] = (
    # N8: relays that are not in the VPC.
    Query("lambda:ListFunctions"),
    follow("lambda:ListFunctionUrlConfigs", "lambda:ListFunctions", "Functions", {"FunctionName": "FunctionName"}),
    follow(
        "lambda:GetPolicy",
        "lambda:ListFunctions",
        "Functions",
        {"FunctionName": "FunctionName"},
        absent=("ResourceNotFoundException",),
    ),
    *(
        follow(f"lambda:{operation}", "lambda:ListFunctions", "Functions", {"FunctionName": "FunctionName"})
        for operation in ("GetFunctionConcurrency", "ListFunctionEventInvokeConfigs")
    ),
    follow("lambda:ListTags", "lambda:ListFunctions", "Functions", {"Resource": "FunctionArn"}),
    Query("lambda:ListEventSourceMappings"),
    Query("stepfunctions:ListStateMachines"),
    follow(
        "stepfunctions:DescribeStateMachine",
        "stepfunctions:ListStateMachines",
        "stateMachines",
        {"stateMachineArn": "stateMachineArn"},
    ),
    Query("codebuild:ListProjects"),
    follow("codebuild:BatchGetProjects", "codebuild:ListProjects", "projects", {"names": "[@]"}),
    Query("codepipeline:ListPipelines"),
    follow("codepipeline:GetPipeline", "codepipeline:ListPipelines", "pipelines", {"name": "name"}),
    follow("codepipeline:ListTagsForResource", "codepipeline:GetPipeline", "metadata", {"resourceArn": "pipelineArn"}),
    Query("glue:GetJobs"),
    Query("glue:GetConnections", {"HidePassword": True}),
    Query("glue:GetResourcePolicies"),
    Query("sagemaker:ListNotebookInstances"),
    Query("sagemaker:ListDomains"),
    Query("sagemaker:ListEndpoints"),
    Query("apprunner:ListServices"),
    Query("bedrock:ListFoundationModels"),
    Query("bedrock:ListInferenceProfiles", vary={"typeEquals": ("SYSTEM_DEFINED", "APPLICATION")}),
    # Of declared models alone: ``run.systems`` passes over the others.
    follow("bedrock:GetFoundationModel", _MODELS, "modelSummaries", {"modelIdentifier": "modelId"}, absent=_NONE),
    follow("bedrock:GetFoundationModelAvailability", _MODELS, "modelSummaries", {"modelId": "modelId"}, absent=_NONE),
    Query("bedrock:ListGuardrails"),
    # Asked for one guardrail, the call lists its versions.
    follow("bedrock:ListGuardrails", "bedrock:ListGuardrails", "guardrails", {"guardrailIdentifier": "id"}),
    follow(
        "bedrock:GetGuardrail",
        "bedrock:ListGuardrails",
        "guardrails",
        {"guardrailIdentifier": "id", "guardrailVersion": "version"},
        absent=_NONE,
    ),
    follow("bedrock:ListTagsForResource", "bedrock:ListGuardrails", "guardrails", {"resourceARN": "arn"}, absent=_NONE),
    # Test calls, made by mode apply alone and each recorded as one (``cloud.trials``).
    Query("trial:Inference", vantage="vpc"),
    Query("trial:Embedding", vantage="vpc"),
    Query("trial:Transcription", vantage="vpc"),
    Query("transcribe:ListTranscriptionJobs"),
    follow(
        "transcribe:GetTranscriptionJob",
        "transcribe:ListTranscriptionJobs",
        "TranscriptionJobSummaries",
        {"TranscriptionJobName": "TranscriptionJobName"},
        absent=("NotFoundException", "BadRequestException"),
    ),
    Query("bedrock:ListCustomModels"),
    Query("bedrock-agent:ListAgents"),
    Query("bedrock-agent:ListKnowledgeBases"),
    # N9: messages and streams.
    Query("sns:ListTopics"),
    follow("sns:GetTopicAttributes", "sns:ListTopics", "Topics", {"TopicArn": "TopicArn"}),
    Query("sns:ListSubscriptions"),
    Query("sqs:ListQueues"),
    follow(
        "sqs:GetQueueAttributes", "sqs:ListQueues", "QueueUrls", {"QueueUrl": "@"}, params={"AttributeNames": ["All"]}
    ),
    follow("sqs:ListQueueTags", "sqs:ListQueues", "QueueUrls", {"QueueUrl": "@"}),
    Query("events:ListEventBuses"),
    follow("events:DescribeEventBus", "events:ListEventBuses", "EventBuses", {"Name": "Name"}),
    follow("events:ListRules", "events:ListEventBuses", "EventBuses", {"EventBusName": "Name"}),
    follow("events:ListTagsForResource", "events:ListRules", "Rules", {"ResourceARN": "Arn"}),
    follow(
        "events:ListTargetsByRule",
        "events:ListRules",
        "Rules",
        {"Rule": "Name", "EventBusName": "EventBusName"},
    ),
    Query("events:ListApiDestinations"),
    Query("events:ListConnections"),
    Query("pipes:ListPipes"),
    follow("pipes:DescribePipe", "pipes:ListPipes", "Pipes", {"Name": "Name"}),
    Query("firehose:ListDeliveryStreams", {"Limit": 10000}),
    follow(
        "firehose:DescribeDeliveryStream",
        "firehose:ListDeliveryStreams",
        "DeliveryStreamNames",
        {"DeliveryStreamName": "@"},
    ),
    Query("kinesis:ListStreams"),
    # N11: operators' paths.
    Query("ssm:DescribeInstanceInformation"),
    Query("ssm:DescribeSessions", vary={"State": ("Active", "History")}),
    Query("ssm:ListDocuments", {"Filters": [{"Key": "Owner", "Values": ["Self"]}]}),
    follow(
        "ssm:DescribeDocumentPermission",
        "ssm:ListDocuments",
        "DocumentIdentifiers",
        {"Name": "Name"},
        params={"PermissionType": "Share"},
    ),
    # The session preferences have a row of their own: they may not be there.
    follow(
        "ssm:GetDocument",
        "ssm:ListDocuments",
        "DocumentIdentifiers",
        {"Name": "Name"},
        params={"DocumentVersion": "$DEFAULT"},
        skip=(("Name", "SSM-SessionManagerRunShell"),),
        absent=("InvalidDocument",),
    ),
    follow(
        "ssm:ListDocumentVersions",
        "ssm:ListDocuments",
        "DocumentIdentifiers",
        {"Name": "Name"},
        absent=("InvalidDocument",),
    ),
    Query("ssm:GetParameter", vary={"Name": HOST_IMAGES}),
    Query("ssm:DescribeParameters"),
    follow("ssm:GetResourcePolicies", "ssm:DescribeParameters", "Parameters", {"ResourceArn": "ARN"}),
)
