#include <string_view>

#include "nfs/exports/file_options.hpp"
#include "packaging/documents.hpp"
#include "server/commands/table.hpp"
#include "server/faults/parser.hpp"
#include "server/version.hpp"

namespace berth::packaging {
namespace {

using server::commands::Option;
using server::commands::Row;
using server::commands::Shape;

/// Plain text as man(7) wants it: `x` becomes bold, a blank line a paragraph.
std::string roff(std::string_view text) {
    std::string out;
    bool is_bold = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '`') {
            out += is_bold ? "\\fR" : "\\fB";
            is_bold = !is_bold;
        } else if (c == '-') {
            out += "\\-";
        } else if (c == '\\') {
            out += "\\e";
        } else if (c == '\'') {
            out += "\\(aq";
        } else if (text.substr(at).starts_with("\n\n")) {
            out += "\n.IP\n";
            ++at;
        } else if (c == '.' && (out.empty() || out.back() == '\n')) {
            out += "\\&.";
        } else {
            out += c;
        }
    }
    return out;
}

std::string bold(std::string_view text) {
    return "\\fB" + roff(text) + "\\fR";
}

std::string italic(std::string_view text) {
    return "\\fI" + roff(text) + "\\fR";
}

std::string heading(std::string_view section, std::string_view name, std::string_view summary) {
    std::string upper;
    for (const char c : name) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return ".\\\" Made from the tables of commands and options.\n.TH " + roff(upper) + " " +
           std::string{section} + " " + std::string{server::version_date} + " \"berth " +
           std::string{server::version} + "\"\n.SH NAME\n" + roff(name) + " \\- " + roff(summary) +
           "\n";
}

/// "export directories" and "Serves until ..." as sentences.
std::string sentence(std::string_view summary) {
    std::string text{summary};
    if (text.front() >= 'a' && text.front() <= 'z')
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text + ".";
}

std::string described(const Option& option) {
    auto text = ".TP\n" + (option.is_operand() ? italic(option.name) : bold(option.written()));
    if (!option.is_operand() && !option.value.empty()) text += " " + italic(option.value);
    text += "\n" + roff(sentence(option.summary));
    if (!option.details.empty()) text += "\n" + roff(option.details);
    if (!option.fallback.empty()) text += "\nDefault: " + roff(option.fallback) + ".";
    return text + "\n";
}

std::string described(const Row& row) {
    auto text = ".SS " + roff(server::commands::usage_of(row)) + "\n" +
                roff(sentence(row.summary)) + "\n" + roff(row.details) + "\n";
    auto topic = server::commands::Topic::other;
    for (const auto& option : row.options) {
        if (option.topic != topic)
            text += ".PP\n" + bold(server::commands::title_of(option.topic)) + "\n";
        topic = option.topic;
        text += described(option);
    }
    return text;
}

constexpr std::string_view signals = R"(.SH SIGNALS
.TP
\fBSIGTERM\fR, \fBSIGINT\fR
berth accepts nothing more, finishes what is in flight within 5 seconds, unregisters from the portmapper, and exits with
status 0.
.TP
\fBSIGHUP\fR
Exports files, and the configuration file with what it names, are read again. After a mistake in one of them nothing
changes, and the log says why. Options that need a restart are named in the log.
)";

constexpr std::string_view endings = R"(.SH EXIT STATUS
.TP
0
Success.
.TP
1
The server failed, or the answer is no: a mount would be refused, the client has no locks, the exports files have no entries.
.TP
2
A mistake in the options, the configuration or an exports file; one line on standard error says which.
.SH FILES
.TP
\fI/etc/exports\fR, \fI/etc/exports.d/*.exports\fR
What is exported when nothing is named on the command line; see \fBberth\-exports\fR(5).
.TP
\fI/etc/berth/berth.toml\fR
The configuration of the packaged service; see \fBberth.toml\fR(5).
.TP
\fI/var/lib/berth\fR, \fI$XDG_STATE_HOME/berth\fR
What must survive a restart; see \fB\-\-state\fR.
.SH EXAMPLES
Export a directory to this machine and to private networks:
.PP
.RS
.EX
berth serve /srv/data
.EE
.RE
.PP
Mount it on a Linux client, as root:
.PP
.RS
.EX
mount \-t nfs \-o vers=3 server:/srv/data /mnt
.EE
.RE
.PP
As a user, on one port, for one network:
.PP
.RS
.EX
berth serve /srv/data \-\-listen 2050 \-\-clients 10.1.0.0/16
.EE
.RE
.SH SEE ALSO
.BR berth\-exports (5),
.BR berth.toml (5),
.BR berth\-faults (5),
.BR nfs (5),
.BR mount.nfs (8),
.BR showmount (8)
)";

std::string environment() {
    auto text = std::string{
        ".SH ENVIRONMENT\nOptions of \\fBberth serve\\fR may also be given by variables. Flags win over "
        "them, and they win over the configuration file. Values of an option that may be given several "
        "times are separated by commas, so such a value has no comma itself; flags are \\fBtrue\\fR or \\fBfalse\\fR. "
        "An empty variable is an error, and one that begins like them and is none a warning. "
        "\\fBberth locks\\fR and \\fBberth exports\\fR read \\fBBERTH_STATE\\fR and \\fBBERTH_EXPORTS\\fR, too.\n.PP\n"};
    for (const auto& option : server::commands::serve_options())
        text += (&option == &server::commands::serve_options().front() ? "" : ",\n") +
                bold(option.variable());
    return text + "\n";
}

constexpr std::string_view exports_text = R"(.SH DESCRIPTION
Without DIR and \fB\-\-memory\fR, \fBberth serve\fR reads \fI/etc/exports\fR and \fI/etc/exports.d/*.exports\fR, and with
\fB\-\-exports\fR the files that it names. Each line has the path of a directory and the clients it is exported to:
.PP
.RS
.EX
/srv/data      192.0.2.0/24(rw) *.lab.example(ro)
/home          \-rw,anonuid=1500 trusted.example @workstations 2001:db8:1::/64(ro)
"/srv/my data" *(ro,insecure)
.EE
.RE
.PP
\fB#\fR begins a comment, a backslash at the end of a line continues it, and a path with blanks is quoted or has
\fB\e040\fR for each. Options after a \fB\-\fR are the defaults of the clients that follow on the line. Anything that is
not understood is refused with its place: nothing is skipped. \fBberth exports check\fR finds mistakes, and
\fBberth exports explain\fR says what a client may do, and why.
.PP
So is what is rarely meant: a blank before \fB(\fR, a path without clients, the same client twice, options that contradict
each other, and a comment that ends in a backslash.
.SH CLIENTS
A host name, an IPv4 or IPv6 address, a network (\fB192.0.2.0/24\fR, \fB192.0.2.0/255.255.255.0\fR), a wildcard (\fB*\fR,
\fB?\fR, \fB[a\-z]\fR; dots are characters like others), \fB@netgroup\fR, or \fB*\fR for everyone.
.PP
If several entries of a path mean a client, hosts come before networks, networks before wildcards, wildcards before
netgroups, and \fB*\fR comes last; of one kind, the first in the file decides. Where an export below another one is not for
a client, the outer one is what the client gets there.
.PP
A client's names are believed only if they lead back to its address. While the name service does not answer, what was known
holds for a day; a client that an entry with a name may mean is told to come later, and no later entry decides for it.
.SH OPTIONS
)";

constexpr std::string_view faults_text = R"(.SH DESCRIPTION
A rule has the server misbehave on order, for tests of its clients. Rules come from \fB\-\-fault\fR, from the files of
\fB\-\-faults\fR, and from \fBberth fault add\fR while the server runs:
.PP
.RS
.EX
RENAME first=1 drop=reply
READ path=*.db every=10 delay=200ms
NFS client=10.0.0.0/8 probability=0.01 seed=7 status=NFS3ERR_JUKEBOX
MOUNT,NLM !transport=tcp drop=call
.EE
.RE
.PP
Words without \fB=\fR name programs and procedures: \fBREAD\fR, \fBNFS\fR, \fBNLM.LOCK\fR, \fB*\fR for all; one
of several between commas is enough, and \fB!\fR leaves some out. Conditions choose among their calls. All must
hold, and \fB!\fR before one denies it. Then come which of these calls are hit, and what happens to them. A value with
blanks stands in double quotes.
.PP
Several rules may hit one call. They act in their order; the first that answers or drops the call ends it, and the delays
add up. A call that is sent again with the same xid is a call, too, but it runs only once. Rules that are not understood,
can't hit any call or do nothing are refused. There are at most 1,000.
.PP
\fBGRANTED\fR is the call that the server makes when a client gets a lock that it has waited for. Rules that name it see
the client: \fBdrop=call\fR never makes it, \fBtwice=call\fR makes it twice, \fBlate=\fR later, and with
\fBrefuse=\fR the lock is taken back.
.PP
Conditions on paths ask the file system for the path of each object, and so does no other rule.
.PP
What may stand before a \fB=\fR:
)";

constexpr std::string_view faults_file_text = R"(.SH FILES OF RULES
A file in TOML has a table \fB[[fault]]\fR for each rule. In it, \fBrule\fR is the text of a rule; the words can also be
keys, and \fBcalls\fR are those without a key:
.PP
.RS
.EX
[[fault]]
rule = "READ path=*.db every=10 delay=200ms"

[[fault]]
name = "lost"
calls = ["RENAME", "LINK"]
uid = "!0"
first = 1
drop = "reply"
.EE
.RE
)";

std::string config_keys() {
    std::string text;
    for (const auto& option : server::commands::serve_options()) {
        if (option.key() == "config") continue;
        const bool is_number = option.value == "N" || option.value == "SECONDS";
        const auto* const kind = option.shape == Shape::flag   ? "true or false"
                                 : option.shape == Shape::many ? "a string or a list of strings"
                                 : is_number                   ? "a number"
                                                               : "a string";
        text += ".TP\n" + bold(option.key()) + " (" + kind + ")\n" + roff(sentence(option.summary));
        if (!option.value.empty() && !option.is_operand())
            text += "\nValue: " + italic(option.value) + ".";
        if (!option.fallback.empty()) text += "\nDefault: " + roff(option.fallback) + ".";
        text += "\n";
    }
    return text;
}

}  // namespace

std::string manual_of_program() {
    auto text = heading("8", "berth", "a user-space NFSv3 server") + ".SH SYNOPSIS\n";
    for (const auto& row : server::commands::all())
        text += (row.command == server::Command::serve ? "" : ".br\n") +
                bold(server::commands::usage_of(row)) + "\n";
    text +=
        ".SH DESCRIPTION\nberth exports local directories over NFS version 3, with MOUNT, NLM, NSM "
        "and a portmapper of its own on one port, over TCP and UDP. As root it acts as each caller, "
        "after squashing, and the kernel decides what the caller may do. As a user it acts as "
        "that user for everybody.\n.SH COMMANDS\n";
    for (const auto& row : server::commands::all()) text += described(row);
    return text + environment() + std::string{signals} + std::string{endings};
}

std::string manual_of_exports() {
    auto text =
        heading("5", "berth-exports", "what berth exports to whom") + std::string{exports_text};
    for (const auto& option : exports::file_options()) {
        text += ".TP\n" + bold(option.names) + "\n" + roff(option.summary);
        if (!option.fallback.empty()) text += "\nDefault: " + bold(option.fallback) + ".";
        text += "\n";
    }
    return text + ".SH SEE ALSO\n.BR berth (8),\n.BR exports (5)\n";
}

std::string manual_of_config() {
    return heading("5", "berth.toml", "configuration of berth serve") +
           ".SH DESCRIPTION\nA file in TOML that \\fBberth serve \\-\\-config\\fR reads, at the start and "
           "at SIGHUP. Its keys are the long options of \\fBberth serve\\fR; see \\fBberth\\fR(8) for what "
           "they do. Flags and the environment win over it. A key or value that is not understood is "
           "refused, with its line.\n.SH KEYS\n" +
           config_keys() + ".SH SEE ALSO\n.BR berth (8),\n.BR berth\\-exports (5)\n";
}

std::string manual_of_faults() {
    auto text =
        heading("5", "berth-faults", "how berth misbehaves on order") + std::string{faults_text};
    for (const auto& key : server::faults::keys())
        text += ".TP\n" + bold(key.name) + "=" + italic(key.value) + "\n" +
                roff(sentence(key.summary)) + "\n";
    return text + std::string{faults_file_text} +
           ".SH SEE ALSO\n.BR berth (8),\n.BR berth.toml (5)\n";
}

}  // namespace berth::packaging
