// mount1.x and mount3.x: RFC 1094 Appendix A with what came after it, RFC 1813 Appendix I.
#include "mount/protocol.hpp"
#include "tests/spec/tables.hpp"

namespace berth::spec {

namespace {

using namespace mount;

constexpr std::string_view why_unbounded = "told that it is too long in the protocol's own words";

constexpr TypeLine types1[] = {
    type<Mount1::Handle>("fhandle"),    type<Mount1::Result>("fhstatus"),
    type<DirectoryPath>("dirpath"),     type<Name>("name"),
    type<Dump::Result>("mountlist"),    type<decltype(Exported::groups)>("groups"),
    type<Export::Result>("exportlist"), type<PathConfiguration::Result>("ppathcnf"),
};

constexpr ProcedureLine procedures1[] = {
    procedure<rpc::Null>("MOUNTPROC_NULL"),
    procedure<Mount1>("MOUNTPROC_MNT", why_unbounded),
    procedure<Dump>("MOUNTPROC_DUMP"),
    procedure<Unmount>("MOUNTPROC_UMNT"),
    procedure<UnmountAll>("MOUNTPROC_UMNTALL"),
    procedure<Export>("MOUNTPROC_EXPORT"),
    procedure<ExportAll>("MOUNTPROC_EXPORTALL"),
    procedure<PathConfiguration>("MOUNTPROC_PATHCONF", why_unbounded),
};

constexpr ConstantLine constants1[] = {
    constant("MNTPATHLEN", path_bytes_max),
    constant("MNTNAMLEN", name_bytes_max),
    constant("FHSIZE", sizeof(Mount1::Handle)),
};

constexpr TypeLine types3[] = {
    type<decltype(Mount::Ok::handle)>("fhandle3"),
    type<DirectoryPath>("dirpath"),
    type<Name>("name"),
    type<Status>("mountstat3"),
    type<Mount::Ok>("mountres3_ok"),
    type<Mount::Result>("mountres3"),
    type<Dump::Result>("mountlist"),
    type<Node<Mounted>>("mountbody"),
    type<decltype(Exported::groups)>("groups"),
    type<Node<Name>>("groupnode"),
    type<Export::Result>("exports"),
    type<Node<Exported>>("exportnode"),
};

constexpr ProcedureLine procedures3[] = {
    procedure<rpc::Null>("MOUNTPROC3_NULL"),     procedure<Mount>("MOUNTPROC3_MNT", why_unbounded),
    procedure<Dump>("MOUNTPROC3_DUMP"),          procedure<Unmount>("MOUNTPROC3_UMNT"),
    procedure<UnmountAll>("MOUNTPROC3_UMNTALL"), procedure<Export>("MOUNTPROC3_EXPORT"),
};

constexpr ConstantLine constants3[] = {
    constant("MNTPATHLEN", path_bytes_max),
    constant("MNTNAMLEN", name_bytes_max),
    constant("FHSIZE3", handle_bytes_max),
    constant("MNT3_OK", Status::ok),
    constant("MNT3ERR_PERM", Status::not_permitted),
    constant("MNT3ERR_NOENT", Status::no_entry),
    constant("MNT3ERR_IO", Status::io_error),
    constant("MNT3ERR_ACCES", Status::access_denied),
    constant("MNT3ERR_NOTDIR", Status::not_a_directory),
    constant("MNT3ERR_INVAL", Status::invalid),
    constant("MNT3ERR_NAMETOOLONG", Status::name_too_long),
    constant("MNT3ERR_NOTSUPP", Status::not_supported),
    constant("MNT3ERR_SERVERFAULT", Status::server_fault),
};

}  // namespace

Specification mount1() {
    return {"mount1.x", types1, procedures1, constants1, {}};
}

Specification mount3() {
    return {"mount3.x", types3, procedures3, constants3, {}};
}

}  // namespace berth::spec
