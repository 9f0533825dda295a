"""What the interoperability scripts share: tools, servers, cells. Standard library only."""
