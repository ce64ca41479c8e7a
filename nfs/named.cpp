#include "nfs/named.hpp"

#include <type_traits>

#include <boost/pfr/core.hpp>

#include "nfs/protocol.hpp"

namespace berth::nfs {
namespace {

template <class Procedure>
constexpr bool has_range = std::is_same_v<Procedure, Read> || std::is_same_v<Procedure, Write> ||
                           std::is_same_v<Procedure, Commit>;

template <class Procedure>
constexpr bool is_listing =
    std::is_same_v<Procedure, ReadDirectory> || std::is_same_v<Procedure, ReadDirectoryPlus>;

template <class Procedure>
bool take(const rpc::Intercepted& call, Named& named) {
    return rpc::with_arguments<Procedure>(call, program, [&](const auto& args) {
        boost::pfr::for_each_field(args, [&](const auto& field) {
            using Field = std::remove_cvref_t<decltype(field)>;
            if constexpr (std::is_same_v<Field, FileHandle>)
                named.objects.push_back({field.bytes(), {}});
            else if constexpr (std::is_same_v<Field, Entry>)
                named.objects.push_back({field.directory.bytes(), field.name});
        });
        if constexpr (is_listing<Procedure>) named.cookie = args.cookie;
        if constexpr (has_range<Procedure>) {
            named.offset = args.offset;
            named.bytes = args.count;
        }
    });
}

template <class... Procedures>
Named taken_from_any(const rpc::Intercepted& call) {
    Named named;
    static_cast<void>((take<Procedures>(call, named) || ...));
    return named;
}

}  // namespace

Named named_by(const rpc::Intercepted& call) {
    return taken_from_any<GetAttributes, SetAttributes, Lookup, Access, ReadLink, Read, Write,
                          Create, MakeDirectory, MakeSymbolicLink, MakeNode, Remove,
                          RemoveDirectory, Rename, Link, ReadDirectory, ReadDirectoryPlus,
                          FileSystemStatus, FileSystemInfo, PathConfiguration, Commit>(call);
}

}  // namespace berth::nfs
