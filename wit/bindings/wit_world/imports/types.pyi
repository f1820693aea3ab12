class IpAddress_Ipv4:
    value: tuple[int, int, int, int]
    def __init__(self, value: tuple[int, int, int, int]) -> None: ...

class IpAddress_Ipv6:
    value: tuple[int, int, int, int, int, int, int, int]
    def __init__(self, value: tuple[int, int, int, int, int, int, int, int]) -> None: ...

type IpAddress = IpAddress_Ipv4 | IpAddress_Ipv6
