"""Fields, services and enum values of a serialized FileDescriptorSet (a file), or of the installed Ray, as JSON."""

import json
import sys

from google.protobuf import descriptor_pb2


def read(source: str) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto()
    if source == "ray":
        from ray.core.generated.ray_client_pb2 import DESCRIPTOR

        DESCRIPTOR.CopyToProto(file)
        return file
    files = descriptor_pb2.FileDescriptorSet()
    with open(source, "rb") as read_from:
        files.ParseFromString(read_from.read())
    return files.file[0]


def facts(source: str) -> dict[str, str]:
    file = read(source)
    found: dict[str, str] = {}

    def see(path: str, message: descriptor_pb2.DescriptorProto) -> None:
        for field in message.field:
            oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
            group = "" if field.proto3_optional else oneof
            found[f"{path}.{field.name}"] = f"{field.number} {field.type} {field.label} {field.type_name} {group}"
        for each in message.enum_type:
            for value in each.value:
                found[f"{path}.{each.name}.{value.name}"] = str(value.number)
        for nested in message.nested_type:
            see(f"{path}.{nested.name}", nested)

    for message in file.message_type:
        see(message.name, message)
    for service in file.service:
        for method in service.method:
            streams = f"{method.client_streaming} {method.server_streaming}"
            found[f"{service.name}.{method.name}"] = f"{method.input_type} {method.output_type} {streams}"
    return {"package": file.package, **found}


print(json.dumps(facts(sys.argv[1])))
