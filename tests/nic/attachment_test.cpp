#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <array>

#include "base/unique_fd.hpp"
#include "nic/xdp_attachment.hpp"
#include "nic_veth.hpp"

namespace valinor::nic {
namespace {

/// "return XDP_PASS", under a name.
UniqueFd load_pass() {
  const std::array<bpf_insn, 2> instructions{
      bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
      bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  UniqueFd program{::bpf_prog_load(BPF_PROG_TYPE_XDP, "pass_for_test", "GPL", instructions.data(),
                                   instructions.size(), nullptr)};
  if (!program) throw_errno("load an XDP program");
  return program;
}

class AttachmentTest : public VethTest {};

TEST_F(AttachmentTest, ABareInterfaceHasNone) {
  EXPECT_TRUE(xdp_attachments(Device{"near"}).empty());
}

TEST_F(AttachmentTest, NamesAProgramThatTheInterfaceHolds) {
  const Device near{"near"};
  const UniqueFd program = load_pass();
  const auto index = static_cast<int>(near.index().value());
  for (const auto& [flag, mode] : {std::pair{XDP_FLAGS_SKB_MODE, XdpMode::generic},
                                   std::pair{XDP_FLAGS_DRV_MODE, XdpMode::native}}) {
    ASSERT_EQ(::bpf_xdp_attach(index, program.get(), flag, nullptr), 0);
    const auto found = xdp_attachments(near);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].mode, mode);
    EXPECT_EQ(found[0].name, "pass_for_test");
    EXPECT_EQ(found[0].tag.size(), 16u);
    EXPECT_EQ(found[0].link, 0u);
    test::run_command(command_to_detach("near", found[0]));
    EXPECT_TRUE(xdp_attachments(near).empty());
  }
}

TEST_F(AttachmentTest, NamesTheOwnerOfALink) {
  const Device near{"near"};
  const UniqueFd program = load_pass();
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = XDP_FLAGS_DRV_MODE;
  const UniqueFd link{
      ::bpf_link_create(program.get(), static_cast<int>(near.index().value()), BPF_XDP, &options)};
  ASSERT_TRUE(link);
  const auto found = xdp_attachments(near);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].link, 0u);
  EXPECT_EQ(found[0].owner, ::getpid());
  test::run_command(command_to_detach("near", found[0]));
  EXPECT_TRUE(xdp_attachments(near).empty());
}

}  // namespace
}  // namespace valinor::nic
